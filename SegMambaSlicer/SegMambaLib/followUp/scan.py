"""One time point in the scene: a segmentation, the volumes it belongs to, and what the user says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import slicer
import vtk
from slicer.i18n import tr as _

from ..core import makeCoreImportable
from ..measures.linePair import pairsOf
from ..result.segmentedVolumes import segmentedVolumes

if TYPE_CHECKING:
    from SegMambaCore.follow_up.time_point import Treatment

# Kept in the segmentation node: a saved scene brings them back.
_DATE = "SegMamba.FollowUp.Date"
_TREATMENT = "SegMamba.FollowUp.Treatment"
_STUDY_DATE = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMStudyDateAttributeName()
_STUDY = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelStudy()
_REFERENCE = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()


@dataclass(frozen=True)
class Scan:
    """segmentation: of the tumor at that time; two scans are the same where this is the same node."""

    segmentation: slicer.vtkMRMLSegmentationNode

    @property
    def reference(self) -> slicer.vtkMRMLScalarVolumeNode | None:
        """The volume on which the segmentation was made, None if it is gone."""
        return self.segmentation.GetNodeReference(_REFERENCE)

    @property
    def name(self) -> str:
        """The study's name in the subject hierarchy, else the segmentation's."""
        study = self._studyItem()
        return _hierarchy().GetItemName(study) if study else self.segmentation.GetName()

    @property
    def date(self) -> date | None:
        """What the user entered, else DICOM's study date, else a date in the name; None where there is none."""
        makeCoreImportable()
        from SegMambaCore.follow_up.read_folder import date_in

        entered = self.segmentation.GetAttribute(_DATE)
        if entered:
            return date.fromisoformat(entered)
        return date_in(self._studyDate()) or date_in(self.name)

    def setDate(self, text: str) -> None:
        """Enter the date, as 2024-05-02 or 20240502; "" takes back what was entered.

        Raises ValueError when the text is no date.
        """
        makeCoreImportable()
        from SegMambaCore.follow_up.read_folder import date_in

        entered = date_in(text.strip())
        if text.strip() and entered is None:
            raise ValueError(_("{text} is no date. Enter it as 2024-05-02.").format(text=text))
        self.segmentation.SetAttribute(_DATE, entered.isoformat() if entered else None)

    @property
    def treatment(self) -> Treatment:
        """What had been done before the scan, as the user said."""
        makeCoreImportable()
        from SegMambaCore.follow_up.time_point import Treatment

        return Treatment[self.segmentation.GetAttribute(_TREATMENT) or Treatment.NOT_STATED.name]

    def setTreatment(self, treatment: Treatment) -> None:
        """Say what had been done before the scan."""
        self.segmentation.SetAttribute(_TREATMENT, treatment.name)

    def volumes(self) -> list[slicer.vtkMRMLScalarVolumeNode]:
        """The volumes it was made from, and those in its study or folder of the subject hierarchy."""
        found = [node for node in (self.reference, *segmentedVolumes(self.segmentation)) if node is not None]
        folder = self._studyItem() or self._folderItem()
        if folder:
            inFolder = vtk.vtkCollection()
            _hierarchy().GetDataNodesInBranch(folder, inFolder, "vtkMRMLScalarVolumeNode")
            found += [inFolder.GetItemAsObject(index) for index in range(inFolder.GetNumberOfItems())]
        return list(dict.fromkeys(found))

    def nodes(self) -> list[slicer.vtkMRMLTransformableNode]:
        """All that lies where the patient lay: volumes, the segmentation, the lines of its lesions."""
        lines = [line for pair in pairsOf(self.segmentation) for line in pair.nodes]
        return [*self.volumes(), self.segmentation, *lines]

    def patientItem(self) -> int:
        """The patient's item in the subject hierarchy, 0 where there is none."""
        level = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelPatient()
        return self._ancestor(level)

    def _studyItem(self) -> int:
        return self._ancestor(_STUDY)

    def _studyDate(self) -> str:
        study = self._studyItem()
        return _hierarchy().GetItemAttribute(study, _STUDY_DATE) if study else ""

    def _folderItem(self) -> int:
        hierarchy = _hierarchy()
        item = hierarchy.GetItemByDataNode(self.segmentation)
        parent = hierarchy.GetItemParent(item) if item else 0
        return 0 if parent in (hierarchy.GetSceneItemID(), self.patientItem()) else parent

    def _ancestor(self, level: str) -> int:
        for node in (self.segmentation, self.reference):
            if node is not None:
                item = _hierarchy().GetItemByDataNode(node)
                ancestor = _hierarchy().GetItemAncestorAtLevel(item, level) if item else 0
                if ancestor:
                    return ancestor
        return 0


def _hierarchy() -> slicer.vtkMRMLSubjectHierarchyNode:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
