"""A head with lesions in a scene: oblique, anisotropic, under a parent transform, with known figures."""

from __future__ import annotations

import numpy as np
import slicer
from numpy.typing import NDArray
from scenes import ROLES, add_transform, add_volume
from scipy.spatial.transform import Rotation

HEAD_RADII = (70.0, 85.0, 62.0)
LARGE = np.array([35.0, 10.0, 5.0])  # right
SMALL = np.array([-30.0, 20.0, -10.0])  # left
LARGE_RADII = (9.0, 16.0, 12.0)
SMALL_RADII = (6.0, 7.0, 6.0)
SHAPE = (64, 90, 76)  # (k, j, i)
SPACING = (2.0, 2.0, 2.2)
VALUES = {"t1n": 100, "t1c": 200, "t2w": 300, "t2f": 400}


def world_affine(degrees: tuple[float, float, float]) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag(
        np.multiply((-1, -1, 1), SPACING)
    )
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(SHAPE[::-1]) - 1) / 2)
    return affine


def positions(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    k, j, i = np.indices(SHAPE)
    return np.stack([i, j, k], axis=-1) @ affine[:3, :3].T + affine[:3, 3]


def ellipsoid(at: NDArray[np.float64], centre: NDArray[np.float64], radii: tuple[float, ...]) -> NDArray:
    return (((at - centre) / radii) ** 2).sum(axis=-1) <= 1


class TumorScene:
    """In world RAS the head is upright and the lesions are where LARGE and SMALL say, whatever the transform.

    degrees: how the grid lies in the world. transform: the parent of volumes and segmentation.
    """

    def __init__(
        self, degrees: tuple[float, float, float] = (0, 0, 0), transform: NDArray[np.float64] | None = None
    ) -> None:
        self.affine = world_affine(degrees)
        at = positions(self.affine)
        self.large, self.small = ellipsoid(at, LARGE, LARGE_RADII), ellipsoid(at, SMALL, SMALL_RADII)
        core = ellipsoid(at, LARGE, (14, 20, 16)) | self.small
        self.masks = {"WT": ellipsoid(at, LARGE, (20, 26, 20)) | self.small, "TC": core}
        self.masks["ET"] = self.large | self.small
        self.transform = None if transform is None else add_transform(transform)
        local = self.affine if transform is None else np.linalg.inv(transform) @ self.affine
        head = ellipsoid(at, np.zeros(3), HEAD_RADII)
        self.volumes = {
            role: add_volume(
                f"DOE JOHN {role}",
                (head * VALUES[role] + head * at[..., 0] / 10).astype(np.float32),
                local,
                self.transform,
            )
            for role in ROLES
        }
        self.segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "DOE JOHN tumor")
        self.segmentation.CreateDefaultDisplayNodes()
        if self.transform:
            self.segmentation.SetAndObserveTransformNodeID(self.transform.GetID())
        self.segmentation.SetReferenceImageGeometryParameterFromVolumeNode(self.volumes["t1c"])
        for region, mask in self.masks.items():
            segment = slicer.vtkSegment()
            segment.SetName(region)
            self.segmentation.GetSegmentation().AddSegment(segment, region)
            self.write(region, mask)

    def write(self, region: str, mask: NDArray) -> None:
        """Replace a segment's voxels."""
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            mask.astype(np.uint8), self.segmentation, region, self.volumes["t1c"]
        )

    def tag_as_computed(self) -> None:
        """As the segments of a run are."""
        from SegMambaCore.segmentation.fingerprint import COMPUTED_TAG, DATE_TAG, MODEL_TAG, fingerprint

        for region, mask in self.masks.items():
            segment = self.segmentation.GetSegmentation().GetSegment(region)
            segment.SetTag(COMPUTED_TAG, fingerprint(mask))
            segment.SetTag(MODEL_TAG, "small-brats-44")
            segment.SetTag(DATE_TAG, "2026-01-02")
