"""A training case in one small file: quantised network input and its labels."""

from __future__ import annotations

import io
import lzma
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.whole_file import write_whole_file

SUFFIX = ".npz.xz"
CODES = 255
_HIGH_PERCENTILE = 99.95
_LZMA_FILTERS: list[dict[str, int]] = [
    {"id": lzma.FILTER_LZMA2, "preset": 6, "pb": 0}
]  # pb 0: single bytes, no wider pattern


@dataclass(frozen=True)
class CasePack:
    """What `prepare_case` made of a case, one byte a voxel.

    codes: uint8 (channels, D, H, W), array axes (k, j, i) in LPS; 0 is background, code c > 0 stands for the
        normalised intensity low + (c - 1) * step of its channel.
    low, step: float32 (channels,).
    labels: uint8 (D, H, W), 0 none, 1 NCR, 2 ED, 3 ET.
    sources: SHA-256 of each file the case was read from, by role.
    """

    name: str
    codes: NDArray[np.uint8]
    low: NDArray[np.float32]
    step: NDArray[np.float32]
    labels: NDArray[np.uint8]
    sources: dict[str, str]

    def tensor(self) -> NDArray[np.float32]:
        """Return the network's input, float32 (channels, D, H, W), background exactly 0."""
        low, step = (values[:, None, None, None] for values in (self.low, self.step))
        return np.where(self.codes > 0, low + (self.codes - np.float32(1)) * step, np.float32(0))


def pack_case(
    name: str, tensor: NDArray[np.float32], labels: NDArray[np.uint8], sources: dict[str, str]
) -> CasePack:
    """Quantise a prepared tensor (channels, D, H, W) with background 0.

    Codes run linearly from a channel's least brain voxel to its 99.95th percentile; the few brighter voxels
    get the last code. The error of all others is at most half a step.
    """
    codes = np.zeros(tensor.shape, dtype=np.uint8)
    low, step = np.zeros(len(tensor), dtype=np.float32), np.ones(len(tensor), dtype=np.float32)
    for c, channel in enumerate(tensor):
        brain = channel != 0
        values = channel[brain]
        low[c] = values.min()
        step[c] = max(np.percentile(values, _HIGH_PERCENTILE) - low[c], 1e-6) / (CODES - 1)
        codes[c, brain] = 1 + np.clip(np.rint((values - low[c]) / step[c]), 0, CODES - 1)
    return CasePack(name, codes, low, step, labels, sources)


def write_pack(pack: CasePack, folder: Path) -> Path:
    """Write FOLDER/NAME.npz.xz, whole or not at all, and return its path. Raises SegMambaError on failure."""
    buffer = io.BytesIO()
    roles = sorted(pack.sources)
    np.savez(
        buffer,
        name=np.array(pack.name),
        codes=pack.codes,
        low=pack.low,
        step=pack.step,
        labels=pack.labels,
        roles=np.array(roles),
        sha256=np.array([pack.sources[role] for role in roles]),
    )
    path = pack_path(folder, pack.name)
    write_whole_file(path, lzma.compress(buffer.getbuffer(), filters=_LZMA_FILTERS))
    return path


def read_pack(path: Path) -> CasePack:
    """Read what `write_pack` wrote."""
    with np.load(io.BytesIO(lzma.decompress(path.read_bytes()))) as arrays:
        sources = dict(zip(arrays["roles"].tolist(), arrays["sha256"].tolist(), strict=True))
        return CasePack(
            str(arrays["name"]), arrays["codes"], arrays["low"], arrays["step"], arrays["labels"], sources
        )


def pack_path(folder: Path, name: str) -> Path:
    """Where the pack of a case lies."""
    return folder / f"{name}{SUFFIX}"
