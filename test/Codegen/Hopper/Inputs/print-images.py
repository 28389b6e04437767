"""Prints how the kernels of an artifact are launched, read as docs/artifact.md says, without the runtime.

    print-images.py FILE.simplex
"""

import sys


class Reader:
    def __init__(self, data, at):
        self.data, self.at = data, at

    def number(self, size):
        return int.from_bytes(self.bytes(size), "little")

    def bytes(self, size):
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self):
        return self.bytes(self.number(4)).decode()

    def list(self, read):
        return [read() for _ in range(self.number(4))]

    def extent(self):
        return self.number(1), self.number(8)

    def image(self):
        kind, chip, driver = self.number(1), self.text(), self.number(4)
        return chip

    def argument(self):
        kind, name = self.number(1), self.text()
        if kind == 0:
            self.bytes(7)  # element type, innermost contiguous, output, alignment
            self.list(self.extent)

    def kernel_image(self):
        index, symbol, block, shared = self.number(4), self.text(), self.number(4), self.number(4)
        self.bytes(8)  # workspace
        self.list(lambda: (self.extent(), self.number(8)))  # grid
        blocks = self.number(4)
        maps = self.list(lambda: (self.number(4), self.number(4), self.number(4), self.number(1)))
        return index, symbol, block, shared, blocks, maps

    def kernel(self):
        self.text(), self.list(self.text), self.list(self.argument)
        return self.list(self.kernel_image)


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    version = Reader(data, 8).number(4)
    if version != 3:
        sys.exit(f"format version {version}, expected 3")
    manifest = Reader(data, Reader(data, 32).number(8))
    chips = manifest.list(manifest.image)
    for images in manifest.list(manifest.kernel):
        for index, symbol, block, shared, blocks, maps in images:
            print(f"{symbol} {chips[index]}: {block} threads, {shared} bytes, {blocks} resident blocks")
            for argument, columns, rows, swizzle in maps:
                print(f"  map of argument {argument}: boxes of {rows} rows, {columns} columns, swizzle {swizzle}")


if __name__ == "__main__":
    main()
