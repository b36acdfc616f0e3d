"""What a volume node knows of the MRI series that it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import slicer

from ..core import makeCoreImportable

if TYPE_CHECKING:
    from SegMambaCore.case.series import Series

_ATTRIBUTE_PREFIX = "SegMamba.DICOM."


def seriesOfVolume(volume: slicer.vtkMRMLScalarVolumeNode) -> Series:
    """Return the node's name with its DICOM attributes, from the DICOM database or as `rememberHeader` left them."""
    makeCoreImportable()
    from SegMambaCore.case.series import DICOM_TAGS, Series

    remembered = {keyword: volume.GetAttribute(_ATTRIBUTE_PREFIX + keyword) or "" for keyword in DICOM_TAGS}
    if any(remembered.values()):
        return Series.from_dicom(volume.GetName(), remembered)
    return Series.from_dicom(volume.GetName(), _headerInDatabase(volume, DICOM_TAGS))


def rememberHeader(volume: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Keep those attributes with the node, where its files are about to leave the DICOM database.

    They describe the scan; nothing that tells who the patient is is among them.
    """
    makeCoreImportable()
    from SegMambaCore.case.series import DICOM_TAGS

    for keyword, value in _headerInDatabase(volume, DICOM_TAGS).items():
        if value:
            volume.SetAttribute(_ATTRIBUTE_PREFIX + keyword, value)


def headerOfFile(path: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a DICOM file's attributes by keyword, "" for those that it lacks."""
    return {keyword: slicer.dicomDatabase.fileValue(path, tag) or "" for keyword, tag in tags.items()}


def _headerInDatabase(volume: slicer.vtkMRMLScalarVolumeNode, tags: Mapping[str, str]) -> dict[str, str]:
    instances = (volume.GetAttribute("DICOM.instanceUIDs") or "").split()
    # Slicer can be built without DICOM, and its database can be closed.
    database = getattr(slicer, "dicomDatabase", None)
    if not instances or database is None or not database.isOpen:
        return {}
    path = database.fileForInstance(instances[0])
    return headerOfFile(path, tags) if path else {}
