"""Scenes with several scans of one patient: a head of ellipsoids with a lesion of known size."""

from __future__ import annotations

import numpy as np
import slicer
from numpy.typing import NDArray
from scenes import add_volume
from scipy.spatial.transform import Rotation
from SegMambaLib.followUp.scan import Scan

SHAPE = (48, 60, 50)
AFFINE = np.array([[-3.0, 0, 0, 75], [0, -3.0, 0, 90], [0, 0, 3.0, -70], [0, 0, 0, 1]])
VOXEL_ML = 0.027
LESION = (24, 22, 34)  # k, j, i


def motion(degrees: float = 9.0) -> NDArray[np.float64]:
    """Where the patient lay the second time, seen from the first: RAS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", [degrees, -degrees / 2, degrees], degrees=True).as_matrix()
    matrix[:3, 3] = [8, -11, 14]
    return matrix


def head(radius: float) -> NDArray[np.int16]:
    """A brain with ventricles, an off-centre bright nucleus, and a lesion of that radius in voxels."""
    k, j, i = np.indices(SHAPE, dtype=np.float64)
    rng = np.random.default_rng(0)

    def inside(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
        return sum(((x - c) / r) ** 2 for x, c, r in zip((k, j, i), centre, radii, strict=True)) < 1

    voxels = 300.0 * inside((24, 30, 25), (20, 26, 21))
    voxels[inside((26, 28, 22), (6, 12, 3))] = 90
    voxels[inside((26, 28, 29), (5, 11, 2.5))] = 100
    voxels[inside((14, 40, 16), (5, 7, 4))] = 420
    voxels[inside((34, 18, 20), (4, 5, 6))] = 200
    voxels[ball(radius)] = 600
    voxels += (voxels > 0) * rng.normal(0, 8, SHAPE)
    return np.clip(voxels, 0, None).astype(np.int16)


def ball(radius: float) -> NDArray[np.bool_]:
    """Where the lesion is."""
    distances = sum((x - c) ** 2 for x, c in zip(np.indices(SHAPE), LESION, strict=True))
    return distances <= radius**2 if radius else np.zeros(SHAPE, bool)


def add_patient(name: str = "Patient 7") -> int:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    return hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), name)


def add_scan(
    patient: int,
    study: str,
    radius: float,
    study_date: str = "",
    moved: NDArray[np.float64] | None = None,
    under: slicer.vtkMRMLTransformNode | None = None,
) -> Scan:
    """A study with T1Gd, FLAIR and a segmentation (WT, TC and ET are 1.6, 1.2 and 1 times the radius).

    patient: an item of the subject hierarchy; 0 for volumes without a patient and a study.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.CreateStudyItem(patient, study) if patient else hierarchy.GetSceneItemID()
    if study_date:
        hierarchy.SetItemAttribute(item, "DICOM.StudyDate", study_date)
    affine = AFFINE if moved is None else moved @ AFFINE
    volumes = [add_volume(f"{study} {kind}", head(radius), affine, under) for kind in ("T1Gd", "FLAIR")]
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{study} tumor")
    if under:
        segmentation.SetAndObserveTransformNodeID(under.GetID())
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volumes[0])
    for region, factor in (("WT", 1.6), ("TC", 1.2), ("ET", 1.0)):
        segmentation.GetSegmentation().AddEmptySegment(region, region)
        mask = ball(radius * factor).astype(np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, region, volumes[0])
    for node in (*volumes, segmentation):
        hierarchy.CreateItem(item, node)  # as Slicer's plugins do for each new node
    return Scan(segmentation)


def enhancing_ml(radius: float) -> float:
    return float(np.count_nonzero(ball(radius))) * VOXEL_ML
