# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels of a .simplex file on PyTorch tensors, through the runtime's C ABI.

Only what the benchmarks need; include/simplexir-runtime.h is the reference.
"""

import ctypes
import os

import torch

_DTYPES = {torch.bfloat16: 0, torch.float16: 1, torch.float32: 2, torch.float64: 3}


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("rank", ctypes.c_int32),
                ("dtype", ctypes.c_int32), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


class _Argument(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint64), ("kind", ctypes.c_int32), ("reserved", ctypes.c_int32),
                ("index", ctypes.c_int64), ("tensor", _Tensor)]


class _Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint64), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("stream", ctypes.c_void_p), ("num_threads", ctypes.c_int32), ("reserved", ctypes.c_int32),
                ("executor", ctypes.c_void_p), ("workspace", ctypes.c_void_p), ("workspace_size", ctypes.c_uint64)]


class Runtime:
    """The runtime's shared library."""

    def __init__(self, path):
        self.library = ctypes.CDLL(os.path.abspath(path))
        self.library.simplexirLastError.restype = ctypes.c_char_p
        self.library.simplexirArtifactKernelAt.restype = ctypes.c_void_p
        self.library.simplexirArtifactKernelAt.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self.library.simplexirKernelLaunch.argtypes = [
            ctypes.c_void_p, ctypes.POINTER(_Argument), ctypes.c_size_t, ctypes.POINTER(_Options)]

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.library.simplexirLastError().decode())

    def load(self, path):
        """The first kernel of an artifact."""
        artifact = ctypes.c_void_p()
        self.check(self.library.simplexirArtifactLoadFile(os.path.abspath(path).encode(), ctypes.byref(artifact)))
        return Kernel(self, artifact, self.library.simplexirArtifactKernelAt(artifact, 0))


class Kernel:
    """Callable on torch tensors (and ints) in the signature's order: inputs, then out and lse."""

    def __init__(self, runtime, artifact, handle):
        self.runtime, self.artifact, self.handle = runtime, artifact, handle

    def bind(self, *arguments):
        """A function without arguments that launches on the current stream."""
        array, keep = (_Argument * len(arguments))(), []
        for slot, value in zip(array, arguments):
            slot.struct_size = ctypes.sizeof(_Argument)
            if isinstance(value, int):
                slot.kind, slot.index = 1, value
                continue
            rank = value.dim()
            shape = (ctypes.c_int64 * rank)(*value.shape)
            strides = (ctypes.c_int64 * rank)(*value.stride())
            keep += [shape, strides, value]
            cuda = value.is_cuda
            slot.tensor = _Tensor(value.data_ptr(), shape, strides, rank, _DTYPES[value.dtype],
                                  1 if cuda else 0, value.device.index or 0 if cuda else 0)
        cuda = any(isinstance(v, torch.Tensor) and v.is_cuda for v in arguments)
        options = _Options(struct_size=ctypes.sizeof(_Options), device_type=1 if cuda else 0)

        def launch(keep=keep):
            if cuda:
                options.stream = torch.cuda.current_stream().cuda_stream
            self.runtime.check(self.runtime.library.simplexirKernelLaunch(
                self.handle, array, len(arguments), ctypes.byref(options)))

        return launch
