"""make-npy.py FILE SHAPE VALUE [HEADER-LENGTH]: an f4 array of one value, or a
damaged one: data are left out where VALUE is `none`, and a version 2 header of
a false length is written where one is given."""
import array
import math
import struct
import sys

path, shape, value = sys.argv[1:4]
extents = [int(x) for x in shape.split("x")]
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }\n" % ", ".join(map(str, extents))
data = b"" if value == "none" else array.array("f", [float(value)] * math.prod(extents)).tobytes()
if len(sys.argv) > 4:
    start = b"\x93NUMPY\x02\x00" + struct.pack("<I", int(sys.argv[4]))
else:
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
with open(path, "wb") as file:
    file.write(start + header.encode() + data)
