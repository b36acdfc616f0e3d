"""From a prepared case to its pack: one byte a voxel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.prepared import PreparationRecord
from Training.case_pack import FINGERPRINT_SIDE, CasePack, PackHead

CODES = 255
_HIGH_PERCENTILE = 99.95
_TUMOR_POINTS = 1000
_LABELS = (1, 2, 3)


def pack_case(
    name: str,
    tensor: NDArray[np.float32],
    labels: NDArray[np.uint8],
    record: PreparationRecord,
    *,
    mean: NDArray[np.float32],
    deviation: NDArray[np.float32],
    sources: dict[str, str],
    data_set: str,
    notes: tuple[str, ...] = (),
) -> CasePack:
    """Quantise a prepared tensor (channels, D, H, W) with background 0; labels (D, H, W). See `PackHead`.

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
    ncr, ed, et = (int(np.count_nonzero(labels == label)) for label in _LABELS)
    head = PackHead(
        name=name,
        shape=labels.shape,
        low=low,
        step=step,
        mean=mean,
        deviation=deviation,
        record=record,
        sources=sources,
        data_set=data_set,
        notes=notes,
        tumor_points=_tumor_points(labels),
        label_voxels=(ncr, ed, et),
        fingerprint=_fingerprint(codes),
    )
    return CasePack(head, codes, labels)


def _tumor_points(labels: NDArray[np.uint8]) -> tuple[NDArray[np.int64], ...]:
    """Of each label that there is, voxels drawn at random, the same for the same labels."""
    rng = np.random.default_rng(0)
    points = []
    for label in _LABELS:
        voxels = np.flatnonzero(labels == label)
        if voxels.size:
            chosen = rng.choice(voxels, size=min(_TUMOR_POINTS, voxels.size), replace=False)
            points.append(np.stack(np.unravel_index(chosen, labels.shape), axis=1))
    return tuple(points)


def _fingerprint(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean codes of the parts into which each side is divided; of a side with fewer voxels some repeat."""
    sums, counts = codes.astype(np.float64), np.ones(codes.shape[1:])
    for axis in range(3):
        length = codes.shape[axis + 1]
        starts = np.arange(FINGERPRINT_SIDE) * length // FINGERPRINT_SIDE
        sums = np.add.reduceat(sums, starts, axis=axis + 1)
        counts = np.add.reduceat(counts, starts, axis=axis)
    return np.rint(sums / counts).astype(np.uint8)
