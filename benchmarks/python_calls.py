#!/usr/bin/env python3
# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a call from Python costs: the first one, which compiles, and all others, which launch.

    benchmarks/python_calls.py                                  # PyTorch, JAX and Triton, whichever are there
    benchmarks/python_calls.py --peer peers/FBGEMM              # also the wrapper and first call of the Triton peer
    benchmarks/python_calls.py --c-benchmark DIR                # also DIR/simplexir-launch-overhead
    benchmarks/python_calls.py --no-first --cpu                 # no first calls; on the CPU with one thread

Needs the Python package and, without --cpu, a GPU. A call is timed until it returns, with operands so small that the GPU is done at
once; the GPU is waited for after every 50 calls, out of the time, so that no call waits for room in the queue. Medians
over the batches, and the best batch.

First calls are timed until the result is there, each in a new process with empty caches on disk, in turns; the best of
all processes. Imports, the inputs and the CUDA context are there before. Both sides are timed in the same two states:
nothing compiled before in the process (ours loads its compiler, Triton builds its helpers in C), and another class of
shapes called before. "To cubin" is what of the call is our compiler, from the text of the operation to the artifact;
the rest is the cache, loading and running the kernel. The peer is as shipped, with its wrapper and without a search of
its autotuner.
"""

import argparse
import importlib.util
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
BATCH = 50


def measure(call, wait, launches):
    """(median, best) microseconds a call."""
    for _ in range(BATCH):
        call()
    wait()
    times = []
    for _ in range(launches // BATCH):
        begin = time.perf_counter()
        for _ in range(BATCH):
            call()
        times.append((time.perf_counter() - begin) / BATCH * 1e6)
        wait()
    times.sort()
    return times[len(times) // 2], times[0]


def torch_calls(options):
    """(name, call) of PyTorch's side."""
    import torch
    import simplexir.torch
    print(f"simplexir.attention on plain tensors runs through {simplexir.torch.eager_calls_through}, the operator is "
          f"registered from {simplexir.torch.registered_from}")
    device = options.device
    a, b = torch.ones(16, device=device), torch.ones(16, device=device)
    yield "torch.add", lambda: torch.add(a, b)
    q, k, v = (torch.randn(1, 1, 64, 64, device=device, dtype=torch.bfloat16) for _ in range(3))
    if device == "cpu":
        q, k, v = (x[:, :, :1, :32].float() for x in (q, k, v))
    sdpa = torch.nn.functional.scaled_dot_product_attention
    yield "torch SDPA, its own choice", lambda: sdpa(q, k, v, is_causal=True)
    x = [torch.randn(1, 1, 1, 32, device=device, dtype=options.dtype) for _ in range(5)]
    arguments = x[0], x[1:3], x[3:5], [1, 1]
    op = torch.ops.simplexir.attention

    def below_autograd():
        with torch._C._AutoDispatchBelowAutograd():
            return op(*arguments)

    yield "simplexir.attention, tensors", lambda: simplexir.attention(*arguments)
    yield "simplexir.torch.attention", lambda: simplexir.torch.attention(*arguments)
    from torch._C._dynamo import guards
    empty = getattr(guards, f"_empty_strided_{device}")
    shape, strides, state = (1, 1, 1, 32), (32, 32, 32, 1), (1, 1, 1)
    yield "two empty tensors, made as Inductor does", lambda: (empty(shape, strides, options.dtype), empty(state, state, torch.float32))
    yield "torch.ops.simplexir.attention, below autograd", below_autograd
    yield "torch.ops.simplexir.attention", lambda: op(*arguments)


def triton_calls(options):
    """A Triton kernel of as many pointers, and the peer's wrapper."""
    import torch
    import triton  # noqa: F401, an ImportError where there is none
    # Triton reads a kernel's source from its file.
    folder = tempfile.TemporaryDirectory()
    path = pathlib.Path(folder.name, "nothing_kernel.py")
    path.write_text("import triton\nimport triton.language as tl\n\n@triton.jit\ndef nothing(a, b, c, d, e, f, g, n):\n"
                    "    tl.store(f + tl.program_id(0), tl.load(a))\n")
    sys.path.insert(0, folder.name)
    from nothing_kernel import nothing
    x = [torch.randn(16, device="cuda") for _ in range(7)]
    yield "Triton kernel, results at hand", lambda: nothing[(1,)](*x, 16)

    def with_results():
        out = torch.empty_like(x[0]), torch.empty_like(x[1])
        nothing[(1,)](*x[:5], *out, 16)
        return out

    yield "Triton kernel and two torch.empty", with_results
    if options.peer:
        import triton_peer
        from cases import Case
        kernel = triton_peer.Kernel(triton_peer.find(options.peer))
        case = Case("overhead", batch=1, length=64, heads=64, windows=(32, 64))
        inputs = case.inputs("cuda")
        yield "Triton peer's wrapper", lambda: kernel.module.triton_fwd(*inputs, *case.windows)
    folder.cleanup()


def jax_calls(_options):
    import jax
    import jax.numpy as jnp
    import simplexir
    try:
        device = jax.devices("gpu")[0]
    except RuntimeError as error:  # a JAX for the CPU
        raise ImportError(error) from None
    put = lambda shape, seed: jax.device_put(jax.random.normal(jax.random.key(seed), shape, jnp.bfloat16), device)  # noqa: E731
    x = [put((1, 1, 1, 16), i) for i in range(5)]
    add = jax.jit(jnp.add)
    yield "jit of jnp.add", lambda: add(x[0], x[1])
    y = [put((1, 64, 1, 64), i) for i in range(3)]
    attend = jax.jit(lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=True))
    yield "jit of jax.nn.dot_product_attention", lambda: attend(*y)
    ours = jax.jit(lambda q, a, b, c, d: simplexir.attention(q, [a, b], [c, d], [1, 1]))
    yield "jit of simplexir.attention", lambda: ours(*x)


def launches(options):
    import torch
    rows = []

    def collect(framework, calls, wait):
        try:
            for name, call in calls(options):
                rows.append((framework, name, *measure(call, wait, options.launches)))
        except ImportError as error:
            print(f"{framework}: {error}")

    torch.set_grad_enabled(False)
    if options.device == "cpu":
        import simplexir
        torch.set_num_threads(1)
        simplexir.set_num_threads(1)
        collect("PyTorch", torch_calls, lambda: None)
        return rows
    collect("PyTorch", torch_calls, torch.cuda.synchronize)
    collect("Triton", triton_calls, torch.cuda.synchronize)
    try:
        import jax
        token = jax.jit(lambda: jax.numpy.zeros(()))
        collect("JAX", jax_calls, lambda: token().block_until_ready())
    except ImportError as error:
        print(f"JAX: {error}")
    return rows


def first_cases(options):
    """A class of shapes to be timed, (64 heads, D 128, windows (32, 512)), and another."""
    from cases import Case
    length = 32 if options.cpu else 1024
    return (Case("first", batch=1, length=length, heads=64, windows=(32, 512)),
            Case("other", batch=1, length=min(length, 64), heads=64, windows=(32, 64)))


def first_ours(options):
    import simplexir
    from simplexir import _kernels
    simplexir.set_cache_dir(tempfile.mkdtemp())
    compiling = []
    compile_kernel = _kernels.compile_kernel

    def timed(*arguments):
        begin = time.perf_counter()
        artifact = compile_kernel(*arguments)
        compiling.append(time.perf_counter() - begin)
        return artifact

    def call(case, inputs):
        m = len(case.windows)
        return simplexir.attention(inputs[0], inputs[1:1 + m], inputs[1 + m:], list(case.windows))

    _kernels.compile_kernel = timed
    first, second = time_twice(options, call)
    return {"first": first, "cubin": compiling[-1], "second": second}


def first_peer(options):
    import triton_peer
    kernel = triton_peer.Kernel(triton_peer.find(options.peer))
    first, second = time_twice(options, lambda case, inputs: kernel.module.triton_fwd(*inputs, *case.windows))
    return {"first": first, "second": second}


def time_twice(options, call):
    """Seconds of the first and the second call; before, if asked for, a call of another class."""
    import torch
    wait = torch.cuda.synchronize if options.device == "cuda" else lambda: None
    timed, other = first_cases(options)
    inputs = timed.inputs(options.device)
    if options.warm:
        call(other, other.inputs(options.device))
    wait()
    times = []
    for _ in range(2):
        begin = time.perf_counter()
        call(timed, inputs)
        wait()
        times.append(time.perf_counter() - begin)
    return times


def first_calls(options):
    """{(name, state): {what: the best seconds}}, each in processes of its own, in turns."""
    sides = [("simplexir.attention", ["--first", "ours"])]
    if options.peer and not options.cpu:
        sides.append(("Triton peer", ["--first", "peer", "--peer", str(options.peer)]))
    states = [("first of the process", []), ("a new class of shapes", ["--warm"])]
    best = {}
    for _ in range(options.first_repeats):
        for (name, side), (state, warm) in itertools.product(sides, states):
            with tempfile.TemporaryDirectory() as cache:
                command = [sys.executable, __file__, *side, *warm, *(["--cpu"] if options.cpu else [])]
                result = subprocess.run(command, capture_output=True, text=True, timeout=240,
                                        env={**os.environ, "XDG_CACHE_HOME": cache, "TRITON_CACHE_DIR": cache,
                                             "SIMPLICIAL_AUTOTUNE": "0"})
            if result.returncode:
                print(f"{name}: {(result.stderr.strip().splitlines() or ['?'])[-1]}")
                continue
            times = best.setdefault((name, state), {})
            for what, seconds in json.loads(result.stdout.splitlines()[-1]).items():
                times[what] = min(seconds, times.get(what, seconds))
    return best


def print_first_calls(options):
    best = first_calls(options)
    print(f"\n{f'first calls, s, best of {options.first_repeats}':57} {'first':>8} {'to cubin':>8} {'second':>8}")
    for (name, state), times in best.items():
        cubin = f"{times['cubin']:8.3f}" if "cubin" in times else " " * 8
        print(f"{f'{name}, {state}':57} {times['first']:8.3f} {cubin} {times['second']:8.4f}")
    for (name, state), theirs in best.items():
        ours = best.get(("simplexir.attention", state))
        if ours and "cubin" not in theirs:
            print(f"{name}'s first call, {state}: {theirs['first'] / ours['cubin']:.2f} of ours to cubin, "
                  f"{theirs['first'] / ours['first']:.2f} of our first call")


def check(options):
    """What is missing ends the program here, with a word about it."""
    for package in ("torch", "simplexir"):
        if not importlib.util.find_spec(package):
            sys.exit(f"python_calls: no {package} in {sys.executable}")
    if options.first_repeats < 1:
        sys.exit(f"python_calls: --first-repeats is {options.first_repeats}, expected at least 1")
    if options.launches < BATCH:
        sys.exit(f"python_calls: --launches is {options.launches}, expected at least {BATCH}")
    if options.peer:
        import triton_peer
        if not triton_peer.find(options.peer):
            sys.exit(f"python_calls: --peer: no ops/triton/fwd.py in {options.peer}")
    if options.c_benchmark and not (options.c_benchmark / "simplexir-launch-overhead").exists():
        sys.exit(f"python_calls: --c-benchmark: no simplexir-launch-overhead in {options.c_benchmark}")
    import torch
    options.device, options.dtype = ("cpu", torch.float32) if options.cpu else ("cuda", torch.bfloat16)
    if not options.cpu and not torch.cuda.is_available():
        sys.exit("python_calls: PyTorch finds no GPU here")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launches", type=int, default=10000)
    parser.add_argument("--peer", type=pathlib.Path, metavar="DIR", help="a checkout of pytorch/FBGEMM")
    parser.add_argument("--c-benchmark", type=pathlib.Path, metavar="DIR",
                        help="holds simplexir-launch-overhead and launch_overhead.simplex")
    parser.add_argument("--cpu", action="store_true", help="PyTorch's calls on the CPU, one thread")
    parser.add_argument("--no-first", action="store_true", help="leave out the first calls, which take seconds")
    parser.add_argument("--first-repeats", type=int, default=3, help="processes of each kind for the first calls")
    parser.add_argument("--warm", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--first", choices=("ours", "peer"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    check(options)
    if options.first:
        print(json.dumps(first_ours(options) if options.first == "ours" else first_peer(options)))
        return 0
    if options.c_benchmark:
        subprocess.run([options.c_benchmark.resolve() / "simplexir-launch-overhead",
                        options.c_benchmark / "launch_overhead.simplex", "cpu" if options.cpu else "gpu"], check=False)
        sys.stdout.flush()
    rows = launches(options)
    print(f"\n{'':10} {'one call, us':46} {'median':>8} {'best':>8}")
    for framework, name, middle, best in rows:
        print(f"{framework:10} {name:46} {middle:8.2f} {best:8.2f}")
    if not options.no_first:
        print_first_calls(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
