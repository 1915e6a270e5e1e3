#!/usr/bin/env python3
"""Writes the files beside it with NumPy and the standard library; test_array_files.cpp knows what they hold.

    python3 tests/engine/files/make_files.py

The files are committed, so that the tests need no Python.
"""
import io
import json
import os
import struct

import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
grid = np.arange(6).reshape(2, 3)

np.save("column_major.npy", np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)))
np.save("objects.npy", np.array([None, 1], dtype=object), allow_pickle=True)
np.save("fields.npy", np.zeros(2, dtype=[("a", "f4"), ("b", "i8")]))
for version in (2, 3):
    with open(f"version{version}.npy", "wb") as file:
        np.lib.format.write_array(file, grid / 2, version=(version, 0))

# Every element type and byte order; values that only that type has at its ends.
arrays = {}
for order in "<>":
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4"):
        limits = np.iinfo(kind)
        arrays[("little_" if order == "<" else "big_") + kind] = np.array([limits.min, limits.max, 7], dtype=order + kind)
    for kind in ("f2", "f4", "f8"):
        limits = np.finfo(kind)
        values = [limits.max, limits.tiny, limits.smallest_subnormal, -0.0, np.inf, -np.inf, np.nan, 1 / 3]
        arrays[("little_" if order == "<" else "big_") + kind] = np.array(values, dtype=order + kind)
arrays["bools"] = np.array([[True, False], [False, True]])
np.savez("types.npz", **arrays)

np.savez_compressed("packed.npz", long=np.arange(1000.0).reshape(10, 100), scalar=np.float32(2.5), none=np.zeros((0, 3)))


class Pipe(io.RawIOBase):
    """Cannot seek, so that zipfile writes sizes behind the data."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        return self.file.write(data)

    def writable(self):
        return True

    def seekable(self):
        return False


with open("streamed.npz", "wb") as file:
    np.savez_compressed(Pipe(file), x=np.arange(4.0), 价格=grid)

header = {
    "__metadata__": {"format": "pt"},
    "fc.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "odd": {"dtype": "U8", "shape": [3], "data_offsets": [24, 27]},
    "half": {"dtype": "BF16", "shape": [2], "data_offsets": [27, 31]},
    "nothing": {"dtype": "F64", "shape": [0, 4], "data_offsets": [31, 31]},
    "count": {"dtype": "I64", "shape": [], "data_offsets": [31, 39]},
}
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open("model.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    file.write((grid / 4).astype("<f4").tobytes() + bytes([1, 2, 255]) + struct.pack("<HHq", 0x3F80, 0xC000, -5))

with open("table.csv", "wb") as file:
    file.write("\ufeffprice;\"unit; each\";番号\r\n1.5; \"2\";-3e2\r\n0.25;inf;4\r\n".encode())
