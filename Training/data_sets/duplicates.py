"""Cases that show the same scans under different names, by what their voxels are.

BraTS hands the same patients out again year after year, under new names and at times with new headers or data types,
and Task01 holds those of 2016 and 2017. One of them in training and one held out would make every figure too good.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from Training.case_pack import PackHead

SAME_SCANS = 0.999
"""Correlation of the fingerprints. Of 44 patients no two come above 0.954, a copy rounded to an eighth of a standard
deviation has 0.9999."""


def find_duplicates(heads: Sequence[PackHead]) -> dict[str, str]:
    """Return, by its name, each case that shows the same scans as one further ahead, with that one's name."""
    if not heads:
        return {}
    values = np.stack([head.fingerprint.ravel() for head in heads]).astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)
    duplicates = {}
    for number, (head, row) in enumerate(zip(heads, values, strict=True)):
        same = np.flatnonzero(values[:number] @ row > SAME_SCANS)
        if same.size:
            duplicates[head.name] = heads[same[0]].name
    return duplicates
