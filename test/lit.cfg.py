"""How lit runs the tests of SimplexIR.

Features a test can ask for (`// REQUIRES: gpu`):
  simplex-run, simplex-compile, simplex-tune, simplexir-match3, simplexir-example-launch
                                 the tool is built
  plugin                         SimplexIRPlugin.so is built
  ptxas                          ptxas is on PATH, in CUDA_HOME, or beside the CUDA packages
  nvdisasm                       nvdisasm is there too, or among the packages of scripts/setup --python
  gpu                            an NVIDIA driver with a device
  torch, numpy, matplotlib       the Python of the benchmarks has the package (scripts/setup --benchmarks)
  llc                            llc and mlir-translate are beside LLVM's other tools
  shared                         LLVM and MLIR are linked as shared libraries
  asan                           built with AddressSanitizer
"""

import ctypes
import glob
import os
import runpy
import shutil
import subprocess
import sys

import lit.formats

config.name = "SimplexIR"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["unit", "Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.simplexir_build, "test")

path = [config.simplexir_tools, config.llvm_tools, config.environment.get("PATH", "")]
config.environment["PATH"] = os.pathsep.join(path)
for name in ("HOME", "CUDA_HOME", "CCACHE_DIR", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
# LLVM's and CUDA's global objects live until the end. LLVM's headers poison memory that a libMLIR without the sanitizer
# uses.
config.environment.setdefault("ASAN_OPTIONS", "detect_leaks=0:allow_user_poisoning=0")


def find_ptxas():
    found = shutil.which("ptxas")
    if found:
        return found
    home = os.environ.get("CUDA_HOME", "/usr/local/cuda")
    for candidate in [os.path.join(home, "bin", "ptxas")] + glob.glob("/usr/local/cuda-*/bin/ptxas"):
        if os.access(candidate, os.X_OK):
            return candidate
    return None


def has_gpu():
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def find_bench_python():
    """(Python, packages): Debian's where scripts/setup has installed packages for it, else the one that runs lit."""
    best = (sys.executable, [])
    for python in (sys.executable, "/usr/bin/python3"):
        script = ("import importlib.util as u, sys\n"
                  "print(*(p for p in ('torch', 'numpy', 'matplotlib') if u.find_spec(p)) if sys.version_info >= (3, 10)"
                  " else '')")
        try:
            found = subprocess.run([python, "-c", script], capture_output=True, text=True).stdout.split()
        except OSError:
            continue
        if len(found) > len(best[1]):
            best = (python, found)
    return best


def find_nvdisasm():
    script = os.path.join(config.simplexir_source, "scripts", "check-sass")
    return runpy.run_path(script)["find_nvdisasm"]()


bench_python, bench_packages = find_bench_python()
config.available_features.update(bench_packages)
config.substitutions.append(("%bench_python", '"%s"' % bench_python))
for tool in ("simplex-run", "simplex-compile", "simplex-tune", "simplexir-match3", "simplexir-example-launch"):
    if os.access(os.path.join(config.simplexir_tools, tool), os.X_OK):
        config.available_features.add(tool)
if os.path.exists(os.path.join(config.simplexir_libs, "SimplexIRPlugin.so")):
    config.available_features.add("plugin")
if find_ptxas():
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", find_ptxas()))
if find_nvdisasm():
    config.available_features.add("nvdisasm")
if has_gpu():
    config.available_features.add("gpu")
if all(os.access(os.path.join(config.llvm_tools, tool), os.X_OK) for tool in ("llc", "mlir-translate")):
    config.available_features.add("llc")
if not config.static:
    config.available_features.add("shared")
if config.sanitize:
    config.available_features.add("asan")

config.substitutions += [
    ("%source", config.simplexir_source),
    ("%build", config.simplexir_build),
    ("%libs", config.simplexir_libs),
    ("%python", '"%s"' % sys.executable),
    ("%cmake", config.cmake),
    ("%generator", '"%s"' % config.generator),
    ("%cxx", config.cxx),
    ("%cc", config.cc),
    ("%config", config.build_type),
    ("%mlir_dir", config.mlir_dir),
    ("%mlir_include", os.path.join(config.mlir_dir, "..", "..", "..", "include")),
    ("%llvm_dir", config.llvm_dir),
]
