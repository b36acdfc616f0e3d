"""Tables of three models on the same twelve cases, made for the test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from SegMambaCore.segmentation.regions import REGIONS
from Training.evaluation.table import Row, write_table

CASES = [f"BraTS-GLI-{number // 2:05d}-{number % 2:03d}" for number in range(12)]
"""Two scans of each of six patients."""


def write_evaluation(
    folder: Path, seed: int, lower_by: float = 0.0, cases: list[str] = CASES, **more: str
) -> Path:
    """Write a cases.csv with figures of two conventions; `more` are further columns."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for case in cases:
        row: Row = {"case": case, **more}
        for region in REGIONS:
            dice, hd95 = rng.uniform(0.7, 0.95) - lower_by, rng.uniform(2, 20)
            row |= {f"dice_{region}_paper": dice, f"hd95_{region}_paper_mm": hd95}
            row |= {
                f"lesionwise_dice_{region}_brats2023": dice / 2,
                f"lesionwise_hd95_{region}_brats2023_mm": 2 * hd95,
            }
            row |= {f"{kind}_{region}_brats2023": float(rng.integers(3)) for kind in ("tp", "fp", "fn")}
        rows.append(row)
    folder.mkdir(parents=True)
    write_table(rows, folder / "cases.csv")
    return folder
