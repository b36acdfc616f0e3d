"""The Medical Segmentation Decathlon's Task01_BrainTumour: 4D files, and a dataset.json that says what is in them.

Antonelli et al., Nature Communications 13, 2022. Its cases are those of BraTS 2016 and 2017 under other names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from SegMambaCore.case.case import ROLE_TITLES, ROLES, Case
from SegMambaCore.case.read_case import source_sha256
from SegMambaCore.case.volume_checks import same_voxels
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.read import read_frames, read_label_map
from SegMambaCore.volume.volume import Volume

DESCRIPTION = "dataset.json"

_ROLES = {"flair": "t2f", "t1w": "t1n", "t1gd": "t1c", "t2w": "t2w"}
_LABELS = {
    "background": 0,
    "non-enhancing tumor": 1,
    "necrotic / non-enhancing tumor": 1,
    "edema": 2,
    "enhancing tumor": 3,
}


@dataclass(frozen=True)
class DecathlonCase:
    """See `FoundCase`.

    place: the 4D image. labels: the label map's file. roles: what each frame shows. meanings: the label of
    `FoundCase.read_labels` for each number in the file.
    """

    place: Path
    labels: Path
    roles: tuple[str, ...]
    meanings: dict[int, int]

    data_set = "Task01_BrainTumour"

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        return self.place.name.split(".")[0]

    def sources(self) -> dict[str, Path]:
        """See `FoundCase`."""
        return dict.fromkeys(ROLES, self.place)

    def read_scans(self) -> Case:
        """See `FoundCase`."""
        frames = read_frames(self.place)
        if len(frames) != len(self.roles):
            raise SegMambaError(
                f"{self.place}: holds {len(frames)} frames, but {DESCRIPTION} names {len(self.roles)} modalities."
            )
        volumes = dict(zip(self.roles, frames, strict=True))
        for a, b in combinations(ROLES, 2):
            if same_voxels(volumes[a].array, volumes[b].array):
                raise SegMambaError(
                    f"{self.place}: its frames of {ROLE_TITLES[a]} and {ROLE_TITLES[b]} are the same."
                )
        digest = source_sha256(self.place)
        return Case(
            {role: volumes[role] for role in ROLES},
            sources={**self.sources()},
            hashes=dict.fromkeys(ROLES, digest),
        )

    def read_labels(self) -> Volume:
        """See `FoundCase`."""
        volume = read_label_map(self.labels)
        array = np.zeros(volume.array.shape, dtype=np.uint8)
        known = np.zeros(volume.array.shape, dtype=np.bool_)
        for number, label in self.meanings.items():
            these = volume.array == number
            array[these] = label
            known |= these
        if not known.all():
            raise SegMambaError(
                f"{self.labels}: holds the label {volume.array[~known][0]:g}, but {DESCRIPTION} knows only"
                f" {', '.join(map(str, sorted(self.meanings)))}."
            )
        return Volume(array, volume.affine, volume.name)


def read_description(path: Path) -> list[DecathlonCase]:
    """Return the training cases that a dataset.json lists, whether their files are there or not.

    Raises SegMambaError when it is none of Task01, or names a modality or label that is not known.
    """
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        modalities = {int(number): str(name) for number, name in description["modality"].items()}
        labels = {int(number): str(name) for number, name in description["labels"].items()}
        files = [
            (path.parent / pair["image"], path.parent / pair["label"]) for pair in description["training"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SegMambaError(
            f"{path}: does not describe a data set as that of Task01 does ({error!r})."
        ) from error
    roles = tuple(_known(modalities[number], _ROLES, "modality", path) for number in sorted(modalities))
    if sorted(roles) != sorted(ROLES):
        raise SegMambaError(f"{path}: needs the modalities FLAIR, T1w, T1gd and T2w, each once.")
    meanings = {number: _known(name, _LABELS, "label", path) for number, name in labels.items()}
    return [DecathlonCase(image, label_map, roles, meanings) for image, label_map in files]


def _known(name: str, table: dict[str, Any], what: str, path: Path) -> Any:
    known = table.get(name.strip().lower().replace("tumour", "tumor"))
    if known is None:
        raise SegMambaError(f'{path}: the {what} "{name}" is not known. Known are {", ".join(table)}.')
    return known
