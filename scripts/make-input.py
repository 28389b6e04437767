"""Writes a .npy file of pseudo-random numbers; needs no NumPy.

    make-input.py FILE.npy SEED EXTENT...

The values are float32, normally distributed with deviation 1, the same for a seed
everywhere.
"""

import array
import random
import sys


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    shape = [int(extent) for extent in sys.argv[3:]]
    count = 1
    for extent in shape:
        count *= extent
    source = random.Random(int(sys.argv[2]))
    data = array.array("f", (source.gauss(0.0, 1.0) for _ in range(count)))
    if sys.byteorder != "little":
        data.byteswap()
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }" % ", ".join(map(str, shape))
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(sys.argv[1], "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        file.write(data.tobytes())


if __name__ == "__main__":
    main()
