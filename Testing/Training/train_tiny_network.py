"""Training/train.py as a process of its own, with a network that trains in no time. TINY_DROPOUT gives it dropout."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from Testing.Training.synthetic import tiny_network
from Training import starting_network, train


def build(name: str, in_channels: int, out_channels: int) -> nn.Module:
    """Stands in for `build_network`."""
    dropout = nn.Dropout3d(float(os.environ.get("TINY_DROPOUT", "0")))
    return nn.Sequential(dropout, tiny_network(name, in_channels, out_channels))


if __name__ == "__main__":
    torch.set_num_threads(1)
    starting_network.build_network = build
    train.main()
