"""A BraTS case: a folder with four contrasts and a segmentation, named as in 2017 to 2021 or as from 2023 on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from SegMambaCore.case.case import Case
from SegMambaCore.case.find import find_case_files, image_files
from SegMambaCore.case.read_case import read_case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.volume import Volume
from Training.evaluation.label_maps import Labels, read_labels

# BraTS20_Training_355's is called W39_1998.09.19_Segm.nii.
_SEGMENTATION = re.compile(r".+[-_]segm?\.nii(\.gz)?", re.IGNORECASE)


@dataclass(frozen=True)
class BratsCase:
    """See `FoundCase`. told: what the labels mean, where the name tells no year."""

    place: Path
    told: Labels | None = None

    data_set = "BraTS"

    @property
    def name(self) -> str:
        """The folder's name, which is the case's in every year."""
        return self.place.name

    def sources(self) -> dict[str, Path]:
        """See `FoundCase`."""
        return find_case_files(self.place)

    def read_scans(self) -> Case:
        """See `FoundCase`."""
        return read_case(self.sources())

    def read_labels(self) -> Volume:
        """See `FoundCase`. A resection cavity (2024) counts as no tumour."""
        segmentations = [path for path in image_files(self.place) if _SEGMENTATION.fullmatch(path.name)]
        if len(segmentations) != 1:
            names = ", ".join(path.name for path in segmentations) or "none"
            raise SegMambaError(
                f"{self.place}: one reference segmentation is needed (NAME_seg.nii.gz, NAME-seg.nii.gz). Found {names}."
            )
        label_map = read_labels(segmentations[0], self.name, self.told)
        array = np.where(label_map.cavity, np.uint8(0), label_map.labels())
        return Volume(array, label_map.grid.affine, segmentations[0].name)
