# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""From the description of a kernel to the kernel: MLIR text, the cache, the compiler."""

import glob
import hashlib
import os
import shutil
import sys
import threading
import time

from . import _cache, _core

_HERE = os.path.dirname(os.path.abspath(__file__))
COMPILER = os.path.join(_HERE, "lib", "libSimplexIR-C.so.1")


class CompileError(_core.Error):
    """The compiler refused, or is not there; the text is its messages."""


def module_text(spec, name):
    """The MLIR of one attention with dynamic batch and lengths, as a function of the given name."""
    element, state = spec["dtype"], "f64" if spec["dtype"] == "f64" else "f32"
    query = f"tensor<?x?x{spec['heads']}x{spec['dim']}x{element}>"
    key = f"tensor<?x?x{spec['key_heads']}x{spec['dim']}x{element}>"
    value = f"tensor<?x?x{spec['key_heads']}x{spec['value_dim']}x{element}>"
    out = f"tensor<?x?x{spec['heads']}x{spec['value_dim']}x{element}>"
    lse = f"tensor<?x{spec['heads']}x?x{state}>"
    count = spec["num_keys"]
    keys, values = [f"%key_{i}" for i in range(count)], [f"%value_{i}" for i in range(count)]
    types = [query] + [key] * count + [value] * count
    arguments = list(zip(["%query"] + keys + values, types))
    clauses = ""
    for clause, names in (("positions", ("%q0", "%k0")), ("key_range", ("%lo", "%hi"))):
        if spec[clause]:
            arguments += [(argument, "index") for argument in names]
            clauses += f" {clause}({', '.join(names)})"
    clauses += f" form {spec['form']} windows [{', '.join(map(str, spec['windows']))}]"
    if spec["bidirectional"]:
        clauses += " bidirectional"
    if spec["scale"] is not None:
        clauses += f" scale {spec['scale']:.17e}"
    for clause in ("key_biases", "value_biases"):
        if spec[clause] is not None:
            clauses += f" {clause} [{', '.join(f'{bias:.17e}' for bias in spec[clause])}]"
    parameters = ", ".join(f"{argument}: {kind}" for argument, kind in arguments)
    return (f"func.func @{name}({parameters}) -> ({out}, {lse}) {{\n"
            f"  %out, %lse = simplex.attention query(%query) keys({', '.join(keys)}) values({', '.join(values)})"
            f"{clauses} : ({', '.join(types)}) -> ({out}, {lse})\n"
            f"  return %out, %lse : {out}, {lse}\n}}\n")


def chip_of(spec):
    """The chip to compile for: this machine's processor, or the GPU by its compute capability."""
    capability = spec["capability"]
    if capability is None:
        level = _core.host_level()
        if not level:
            raise CompileError("this machine's processor is not x86-64-v2 or newer, which is what the CPU kernels need")
        return f"x86-64-v{level}"
    return "sm_90a" if capability == 90 else f"sm_{capability}"


def find_ptxas():
    """PATH, CUDA_HOME, or the one that PyTorch's Triton or NVIDIA's packages bring; else "", and the driver compiles."""
    candidates = [shutil.which("ptxas"), os.path.join(os.environ.get("CUDA_HOME", "/usr/local/cuda"), "bin", "ptxas")]
    for folder in sys.path:
        candidates.append(os.path.join(folder, "triton", "backends", "nvidia", "bin", "ptxas"))
        candidates += glob.glob(os.path.join(folder, "nvidia", "cu*", "bin", "ptxas"))
    return next((path for path in candidates if path and os.access(path, os.X_OK)), "")


def _describe_tool(path):
    if not path:
        return "none"
    state = os.stat(path)
    return f"{path} {state.st_size} {state.st_mtime_ns}"


_digest = None


def compiler_digest():
    """What tells this compiler from every other; written when the package was built."""
    global _digest
    if _digest is None:
        try:
            with open(os.path.join(_HERE, "compiler.sha256")) as file:
                _digest = file.read().split()[0]
        except (OSError, IndexError):
            raise CompileError(f"the package in {_HERE} is not complete: it has no compiler.sha256") from None
    return _digest


def key_of(spec, chip, ptxas):
    """The name of a kernel on disk and in its artifact: all that its code depends on."""
    parts = [module_text(spec, "attention"), chip, _describe_tool(ptxas) if chip.startswith("sm_") else "",
             compiler_digest()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def summary(spec):
    biases = "".join(f", {clause} {list(spec[clause])}" for clause in ("key_biases", "value_biases") if spec[clause])
    return (f"{spec['dtype']} {spec['form']} attention, {spec['num_keys']} keys, heads {spec['heads']}/"
            f"{spec['key_heads']}, dims {spec['dim']}/{spec['value_dim']}, windows {list(spec['windows'])}{biases}")


class _Progress:
    """A line on stderr if it takes more than a second, and one when it is over."""

    def __init__(self, what):
        self.what, self.shown, self.start = what, False, time.monotonic()
        self.timer = threading.Timer(1.0, self.show)
        self.timer.daemon = True

    def show(self):
        self.shown = True
        print(f"simplexir: compiling {self.what} ...", file=sys.stderr, flush=True)

    def __enter__(self):
        self.timer.start()

    def __exit__(self, kind, *_):
        self.timer.cancel()
        if self.shown:
            end = "failed" if kind else "done"
            print(f"simplexir: {end} after {time.monotonic() - self.start:.1f} s", file=sys.stderr, flush=True)


def compile_kernel(spec, chip, ptxas, name):
    """The bytes of an artifact that holds one kernel."""
    try:
        _core.load_compiler(COMPILER)
    except _core.Error as error:
        raise CompileError(str(error)) from None
    with _Progress(f"{summary(spec)} for {chip}"):
        status, messages, artifact = _core.compile(module_text(spec, name), [chip], ptxas, "simplexir.attention", False)
        if status == "unknown_chip" and chip.startswith("sm_") and (spec["capability"] or 0) > 80:
            # A GPU newer than this compiler: its driver compiles the portable PTX.
            status, messages, artifact = _core.compile(module_text(spec, name), ["sm_80"], ptxas, "simplexir.attention",
                                                         True)
        if status != "ok":
            raise CompileError(f"{summary(spec)} cannot be compiled for {chip}: {status}\n{messages}".strip())
    return artifact


_locks = {}
_locks_lock = threading.Lock()


def make(spec):
    """(artifact, kernel's name) for a description; called once a process for each, by the extension module."""
    chip = chip_of(spec)
    ptxas = find_ptxas() if chip.startswith("sm_") else ""
    key = key_of(spec, chip, ptxas)
    name = f"attention_{key[:16]}"
    with _locks_lock:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:
        artifact = _cache.read(key, name)
        if artifact is None:
            data = compile_kernel(spec, chip, ptxas, name)
            artifact = _core.Artifact(data)
            _cache.write(key, data)
        return artifact, name
