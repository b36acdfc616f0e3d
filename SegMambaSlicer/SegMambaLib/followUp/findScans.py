"""The segmented scans in the scene, by patient."""

from __future__ import annotations

from dataclasses import dataclass

import slicer
from slicer.i18n import tr as _

from ..result.regions import REGIONS
from .scan import Scan


@dataclass(frozen=True)
class Patient:
    """name: as the subject hierarchy has it. scans: by date where all are known, else as in the scene."""

    name: str
    scans: tuple[Scan, ...]


def findPatients() -> list[Patient]:
    """Return the patients with a segmentation that holds WT, TC or ET.

    Segmentations under no patient of the subject hierarchy are taken to be of one.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    found: dict[int, list[Scan]] = {}
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if any(node.GetSegmentation().GetSegment(region) for region in REGIONS):
            scan = Scan(node)
            found.setdefault(scan.patientItem(), []).append(scan)
    return [
        Patient(hierarchy.GetItemName(item) if item else _("Scans without a patient"), _byDate(scans))
        for item, scans in found.items()
    ]


def _byDate(scans: list[Scan]) -> tuple[Scan, ...]:
    dated = [(scan.date, scan) for scan in scans]
    if any(day is None for day, _scan in dated):
        return tuple(scans)
    return tuple(scan for _day, scan in sorted(dated, key=lambda pair: str(pair[0])))
