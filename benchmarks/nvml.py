# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Power and clock of a GPU through the driver's libnvidia-ml, which answers in less than a millisecond."""

import ctypes

_SM_CLOCK, _POWER_INSTANT = 1, 186  # NVML_CLOCK_SM, NVML_FI_DEV_POWER_INSTANT


class _Field(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint), ("scope", ctypes.c_uint), ("timestamp", ctypes.c_longlong),
                ("latency", ctypes.c_longlong), ("type", ctypes.c_int), ("status", ctypes.c_int),
                ("value", ctypes.c_ulonglong)]


class Sensor:
    """`read()` is (watts, MHz); None for what is not known."""

    def __init__(self, uuid=None):
        self.handle = ctypes.c_void_p()
        try:
            self.library = ctypes.CDLL("libnvidia-ml.so.1")
            status = self.library.nvmlInit_v2()
            if status == 0 and uuid:
                status = self.library.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode(), ctypes.byref(self.handle))
            if status != 0 or not uuid:
                status = self.library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(self.handle))
            if status != 0:
                self.library = None
        except (OSError, AttributeError):
            self.library = None

    def read(self):
        if self.library is None:
            return None, None
        return self._watts(), self._clock()

    def _watts(self):
        field = _Field(id=_POWER_INSTANT)
        if self.library.nvmlDeviceGetFieldValues(self.handle, 1, ctypes.byref(field)) == 0 and field.status == 0:
            return (field.value & 0xffffffff) / 1000
        power = ctypes.c_uint()
        if self.library.nvmlDeviceGetPowerUsage(self.handle, ctypes.byref(power)) == 0:
            return power.value / 1000
        return None

    def _clock(self):
        clock = ctypes.c_uint()
        if self.library.nvmlDeviceGetClockInfo(self.handle, _SM_CLOCK, ctypes.byref(clock)) == 0:
            return float(clock.value)
        return None
