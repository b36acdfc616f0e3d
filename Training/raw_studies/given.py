"""A real study on its own grids, with transforms, masks and a silver segmentation made by others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.case.read_case import read_case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.preparation.prepare_study import prepare_study
from SegMambaCore.registration.transform_file import read_transform
from SegMambaCore.segmentation.regions import regions_from_label_map
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Volume
from Training.evaluation.table import Row
from Training.raw_studies.scores import dice, registration_errors, segment

_TO_T1 = {"t1c": "t1c_to_t1", "t2w": "t2_to_t1", "t2f": "fla_to_t1"}


def measure_given(folder: Path, network: nn.Module, spec: ModelSpec) -> list[Row]:
    """Return a row for each sequence (errors in mm within the brain), then one for each region.

    folder: `t1n.nii.gz` and so on, `brainmask_t1c.nii.gz`, `segpred_simple_bratsspace.nii.gz`, `transforms/` with ANTs'
    `*_t1c_to_t1_0GenericAffine.mat` and so on. Regions are measured against the silver segmentation, prepared here
    and with the given transforms. Raises SegMambaError when a file is missing.
    """
    case = read_case({role: folder / f"{role}.nii.gz" for role in ROLES}, anywhere=True)
    given = _given_motions(folder)
    brain = read_volume(folder / "brainmask_t1c.nii.gz")
    preparation = prepare_study(case)
    rows: list[Row] = []
    for role, motion in preparation.motions.items():
        before = registration_errors(np.eye(4), given[role], brain)
        errors = registration_errors(motion.matrix, given[role], brain)
        rows.append(
            {
                "what": role,
                "before_mean_mm": float(before.mean()),
                "mean_mm": float(errors.mean()),
                "max_mm": float(errors.max()),
            }
        )
    content = np.logical_and(case.reference_volume.array > 0, brain.array > 0)
    rows.append({"what": "brain", "dice": dice(content, brain.array > 0)})
    silver = read_volume(folder / "segpred_simple_bratsspace.nii.gz")
    to_t1 = np.linalg.inv(_matrix(folder, "native_t1_to_brats"))
    silver = Volume(silver.array, np.linalg.inv(_matrix(folder, "t1c_to_t1")) @ to_t1 @ silver.affine)
    wanted = regions_from_label_map(
        resample(silver, case.reference_volume.grid, interpolation="nearest").array, "brats2021"
    )
    as_given = Case(
        {
            role: Volume(v.array, given.get(role, np.eye(4)) @ v.affine, v.name)
            for role, v in case.volumes.items()
        }
    )
    ways = {
        "as is": segment(case, None, network, spec).masks,
        "given": segment(as_given, None, network, spec).masks,
        "prepared": segment(
            preparation.for_network or preparation.case, preparation.brain_mask, network, spec
        ).masks,
    }
    millilitres = case.reference_volume.grid.voxel_volume_ml
    for region in wanted:
        row: Row = {"what": region, "silver_ml": float(wanted[region].sum() * millilitres)}
        for way, masks in ways.items():
            row[f"dice_{way}"] = dice(masks[region], wanted[region])
            row[f"ml_{way}"] = float(masks[region].sum() * millilitres)
        rows.append(row)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return [{key: row.get(key, "") for key in keys} for row in rows]


def _given_motions(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Return the motions (4 x 4, RAS mm) that lay the sequences onto T1Gd."""
    onto_t1 = {role: _matrix(folder, name) for role, name in _TO_T1.items()}
    onto_t1["t1n"] = np.eye(4)
    return {role: np.linalg.inv(onto_t1["t1c"]) @ matrix for role, matrix in onto_t1.items() if role != "t1c"}


def _matrix(folder: Path, name: str) -> NDArray[np.float64]:
    path = next(iter(sorted((folder / "transforms").glob(f"*_{name}_0GenericAffine.mat"))), None)
    if path is None:
        raise SegMambaError(f"{folder}: there is no transform {name} in its folder transforms.")
    return read_transform(path)
