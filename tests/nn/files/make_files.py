#!/usr/bin/env python3
"""Writes the files beside it with PyTorch; test_state.cpp knows what they hold.

    /usr/bin/python3 tests/nn/files/make_files.py

torch.npz: state dict of a small network, an input and what the network answers. half.safetensors: the same state, half
and bfloat16 in turns, laid out by hand as https://huggingface.co/docs/safetensors says.
"""
import json
import os
import struct
import zlib

import numpy as np
import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))
torch.manual_seed(1)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.out = torch.nn.Linear(4 * 4 * 4, 3)

    def forward(self, x):
        return self.out(torch.flatten(torch.max_pool2d(torch.relu(self.conv(x)), 2), 1))


net = Net()
x = torch.randn(2, 1, 8, 8)
with torch.no_grad():
    arrays = {name: value.numpy() for name, value in net.state_dict().items()}
    np.savez("torch.npz", **arrays)
    np.savez("torch_run.npz", x=x.numpy(), y=net(x).numpy())

header, data = {"__metadata__": {"format": "pt"}}, b""
for i, (name, value) in enumerate(net.state_dict().items()):
    kind, code = ((torch.float16, "F16"), (torch.bfloat16, "BF16"))[i % 2]
    narrow = value.to(kind)
    raw = narrow.view(torch.int16).numpy().astype("<i2").tobytes()
    header[name] = {"dtype": code, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
    arrays[name] = narrow.float().numpy()
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open("half.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
np.savez("half_widened.npz", **arrays)

# A checkpoint of a version that does not exist yet, its checksum right.

facts = json.dumps({"version": 99, "library": "9.9.0"})
text = '{"__metadata__":{"checkpoint":%s,"checksum":"crc32:00000000"}}' % json.dumps(facts)
text += " " * (-len(text) % 8)
raw = struct.pack("<Q", len(text)) + text.encode()
raw = raw.replace(b"crc32:00000000", b"crc32:%08x" % zlib.crc32(raw))
with open("checkpoint_99.safetensors", "wb") as file:
    file.write(raw)
