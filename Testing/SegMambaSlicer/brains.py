"""Volumes that look like a brain without its skull: an ellipsoid in nothing."""

from __future__ import annotations

import numpy as np
import slicer
from numpy.typing import NDArray
from scenes import add_volume

SHAPE = (40, 48, 40)  # (k, j, i), of 4 mm


def affine(step: float = 4.0) -> NDArray[np.float64]:
    """An IJK-to-RAS matrix around the origin, with j to the back and i to the left."""
    matrix = np.diag([-step, -step, step, 1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(SHAPE[::-1]) - 1) / 2)
    return matrix


def brain_voxels(seed: int) -> NDArray[np.int16]:
    """Random values between 100 and 400 within an ellipsoid of 1400 mL, 0 outside."""
    k, j, i = (np.linspace(-1, 1, count) * count * 2 for count in SHAPE)
    inside = (k[:, None, None] / 65) ** 2 + (j[None, :, None] / 82) ** 2 + (i[None, None, :] / 63) ** 2 < 1
    values = np.random.default_rng(seed).integers(100, 400, SHAPE)
    return np.where(inside, values, 0).astype(np.int16)


def add_brain(name: str, seed: int = 0, step: float = 4.0) -> slicer.vtkMRMLScalarVolumeNode:
    """A volume node of that name."""
    return add_volume(name, brain_voxels(seed), affine(step))


def add_brains(*names: str) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """A volume node a name, each with voxels of its own."""
    return [add_brain(name, seed) for seed, name in enumerate(names)]


def put_into_study(volume: slicer.vtkMRMLScalarVolumeNode, patient: str, date: str) -> None:
    """Place a volume in the subject hierarchy as Slicer's DICOM plugins do: patient and study by their numbers."""
    constants = slicer.vtkMRMLSubjectHierarchyConstants
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    dicom = constants.GetDICOMUIDName()
    patientItem = hierarchy.GetItemByUID(dicom, patient)
    if not patientItem:
        patientItem = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Doe^Jane")
        hierarchy.SetItemUID(patientItem, dicom, patient)
        hierarchy.SetItemAttribute(patientItem, constants.GetDICOMPatientNameAttributeName(), "Doe^Jane")
        hierarchy.SetItemAttribute(patientItem, constants.GetDICOMPatientIDAttributeName(), patient)
    studyItem = hierarchy.GetItemByUID(dicom, patient + date)
    if not studyItem:
        studyItem = hierarchy.CreateStudyItem(patientItem, "Brain")
        hierarchy.SetItemUID(studyItem, dicom, patient + date)
        hierarchy.SetItemAttribute(studyItem, constants.GetDICOMStudyDateAttributeName(), date)
    hierarchy.CreateItem(studyItem, volume)
