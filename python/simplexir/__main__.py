# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""python -m simplexir: versions and the cache."""

import argparse

import simplexir
from simplexir import _core, _kernels


def main():
    parser = argparse.ArgumentParser(prog="python -m simplexir")
    parser.add_argument("--version", action="version", version=f"simplexir {simplexir.__version__}")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("info", help="versions, the cache, and what kernels are compiled for (the default)")
    commands.add_parser("clear", help="remove all kernels from the cache")
    command = parser.parse_args().command
    if command == "clear":
        print(f"removed {simplexir.clear_cache()} kernels")
        return
    _core.load_compiler(_kernels.COMPILER)
    cache = simplexir.cache_info()
    print(f"simplexir {simplexir.__version__}")
    print(f"compiler  {_core.compiler_version()}, {_kernels.compiler_digest()[:16]}")
    print(f"runtime   ABI {_core.abi_version()}, {simplexir.get_num_threads()} threads")
    print(f"CPU       x86-64-v{_core.host_level()}")
    try:
        capability = _core.capability(0)
        print(f"GPU       compute capability {capability // 10}.{capability % 10}")
    except simplexir.Error as error:
        print(f"GPU       none ({error})")
    print(f"ptxas     {_kernels.find_ptxas() or 'none: the driver compiles'}")
    print(f"cache     {cache['dir']}: {cache['kernels']} kernels, {cache['bytes'] / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
