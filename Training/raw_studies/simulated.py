"""Real BraTS cases turned into raw studies, prepared, and compared with what is known of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from SegMambaCore.case.case import Case
from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.read_case import read_case
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.preparation.prepare_study import prepare_study
from SegMambaCore.sample.head import put_into_head
from SegMambaCore.sample.raw import random_motion
from SegMambaCore.sample.scanner import Acquisition, scan
from SegMambaCore.segmentation.regions import LabelConvention, regions_from_label_map
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Volume
from Training.evaluation.table import Row
from Training.raw_studies.scores import baseline_seconds, dice, registration_errors, segment

PROTOCOLS = {
    "1 mm": {
        "t1n": Acquisition((1.0, 1.0, 1.0), bias=0.15, noise=0.02),
        "t1c": Acquisition((1.0, 1.0, 1.0), "PSR", bias=0.15, noise=0.02),
        "t2w": Acquisition((0.9, 0.9, 1.0), "PSR", bias=0.15, noise=0.02),
        "t2f": Acquisition((1.0, 1.0, 1.1), "PSR", bias=0.15, noise=0.02),
    },
    "thick": {
        "t1n": Acquisition((0.8, 0.8, 5.0), bias=0.15, noise=0.02),
        "t1c": Acquisition((1.0, 1.0, 1.2), "PSR", bias=0.15, noise=0.02),
        "t2w": Acquisition((0.6, 0.6, 6.0), bias=0.15, noise=0.02),
        "t2f": Acquisition((0.9, 0.9, 5.0), bias=0.15, noise=0.02),
    },
}
"""How the four contrasts are scanned: all in 3D, or three of them in thick axial slices."""

MOST_MM, MOST_DEGREES = 20.0, 20.0
"""Between a contrast and the reference. The reference itself lies up to half of that away from straight."""


@dataclass(frozen=True)
class RawStudy:
    """case: the four scans. motions: where each found the head. brain, labels: in the head at rest."""

    case: Case
    motions: dict[str, NDArray[np.float64]]
    brain: Volume
    labels: Volume

    def onto_reference(self, role: str) -> NDArray[np.float64]:
        """The motion (4 x 4, RAS mm) that lays a scan onto the reference."""
        return self.motions[self.case.reference] @ np.linalg.inv(self.motions[role])

    def in_reference(self, volume: Volume) -> Volume:
        """A volume of the head at rest, where the reference found it."""
        return Volume(volume.array, self.motions[self.case.reference] @ volume.affine, volume.name)


def simulate(folder: Path, protocol: str, seed: int) -> tuple[Case, Volume, RawStudy]:
    """Return the case as it is, its labels, and the raw study that is made of it."""
    clean = read_case(find_case_files(folder))
    labels = read_volume(next(path for path in folder.iterdir() if "seg" in path.name))
    rng = np.random.default_rng(seed)
    head = put_into_head(clean.volumes, rng)
    motions = {"t1c": random_motion(rng, head.brain.grid, MOST_MM / 2, MOST_DEGREES / 2)}
    for role in head.volumes:
        if role not in motions:
            motions[role] = motions["t1c"] @ random_motion(rng, head.brain.grid, MOST_MM, MOST_DEGREES)
    scans = {
        role: scan(volume, motions[role], PROTOCOLS[protocol][role], rng)
        for role, volume in head.volumes.items()
    }
    return clean, labels, RawStudy(Case(scans), motions, head.brain, labels)


def measure_simulated(folder: Path, protocol: str, seed: int, network: nn.Module, spec: ModelSpec) -> Row:
    """Return a row: registration errors in mm, Dice of the brain, Dice of the regions on four ways, seconds.

    The ways: `clean`, the case as it was; `ideal`, the scans with the true motions and the true brain, which is what
    thick slices, bias and noise cost; `raw`, the scans as they are prepared here.
    """
    clean, labels, study = simulate(folder, protocol, seed)
    forward = baseline_seconds()
    start = time.perf_counter()
    preparation = prepare_study(study.case)
    seconds = time.perf_counter() - start
    brain = study.in_reference(study.brain)
    row: Row = {"case": folder.name, "protocol": protocol, "seed": seed}
    for role, motion in preparation.motions.items():
        errors = registration_errors(motion.matrix, study.onto_reference(role), brain)
        row[f"tre_mean_{role}"], row[f"tre_max_{role}"] = float(errors.mean()), float(errors.max())
    found = preparation.brain
    assert found is not None
    truth = resample(Volume(brain.array.astype(np.float32), brain.affine), found.mask.grid).array >= 0.5
    row["brain_found_in"] = " ".join(found.roles)
    row["brain_dice"] = dice(found.mask.array > 0, truth)
    row["brain_missed"] = float(np.count_nonzero(truth & (found.mask.array == 0)) / np.count_nonzero(truth))
    tumor = resample(study.in_reference(labels), found.mask.grid, interpolation="nearest").array > 0
    row["tumor_outside_brain"] = float(
        np.count_nonzero(tumor & (found.mask.array == 0)) / np.count_nonzero(tumor)
    )

    true_case = Case(
        {
            role: Volume(volume.array, study.onto_reference(role) @ volume.affine, volume.name)
            for role, volume in study.case.volumes.items()
        }
    )
    on_scan = resample(study.in_reference(labels), study.case.reference_volume.grid, interpolation="nearest")
    convention: LabelConvention = "brats2021" if labels.array.max() == 4 else "brats2023"
    for way, case, mask, reference in (
        ("clean", clean, None, labels),
        ("ideal", true_case, brain, on_scan),
        ("raw", preparation.for_network or preparation.case, preparation.brain_mask, on_scan),
    ):
        wanted = regions_from_label_map(reference.array, convention)
        masks = segment(case, mask, network, spec).masks
        row.update({f"dice_{way}_{region}": dice(masks[region], wanted[region]) for region in wanted})
    row["seconds"], row["x_baseline"] = seconds, seconds / (0.5 * (forward + baseline_seconds()))
    return row
