"""The line under a selector, on real nodes."""

from __future__ import annotations

import numpy as np
import slicer
from brains import add_brain, add_brains, put_into_study
from scenes import ROLES, add_transform
from SegMambaLib.inputs.roleAssigner import assignVolumes
from SegMambaLib.inputs.volumeLines import VolumeLines

NOBODY = dict.fromkeys(ROLES)


def four() -> dict[str, slicer.vtkMRMLScalarVolumeNode]:
    return dict(zip(ROLES, add_brains("a_t1", "a_t1ce", "a_t2", "a_flair"), strict=True))


def warnings(volumes: dict) -> dict[str, list[str]]:
    lines = VolumeLines().lines(volumes, NOBODY)
    return {role: list(line.warnings) for role, line in lines.items() if line.warnings}


def test_spacing_size_and_confidence() -> None:
    volumes = four()
    assert warnings(volumes) == {}
    volumes["t1n"].SetSpacing(0.46875, 1, 2.5)
    lines = VolumeLines().lines(volumes, assignVolumes(list(volumes.values())))
    assert lines["t1n"].text == '0.469 x 1 x 2.5 mm, 40 x 48 x 40 voxels. Sure: its name says "t1".'
    chosen = VolumeLines().lines(volumes, NOBODY)
    assert chosen["t2w"].text == "4 x 4 x 4 mm, 40 x 48 x 40 voxels."


def test_empty_roles_say_why() -> None:
    volumes = add_brains("T1 a", "T1 b")
    lines = VolumeLines().lines(NOBODY, assignVolumes(volumes))
    assert lines["t1n"].text == 'Left empty: 2 volumes could be it: "T1 a", "T1 b".'
    assert VolumeLines().lines(NOBODY, NOBODY)["t1n"].text == ""
    (space,) = add_brains("t2_spc_ir")
    line = VolumeLines().lines({**NOBODY, "t2f": space}, assignVolumes([space]))["t2f"]
    assert "Probable, please check: its name says" in line.text


def test_the_same_volume_and_the_same_voxels() -> None:
    volumes = four()
    volumes["t2w"] = volumes["t1n"]
    assert warnings(volumes) == {
        "t1n": ["The same volume as T2."],
        "t2w": ["The same volume as T1."],
    }
    volumes["t2w"] = add_brain("copy", seed=0)
    assert warnings(volumes)["t2w"] == ["The same voxels as T1."]


def test_no_overlap_in_space_even_by_a_parent_transform() -> None:
    volumes = four()
    far = np.eye(4)
    far[0, 3] = 500
    volumes["t2f"].SetAndObserveTransformNodeID(add_transform(far).GetID())
    assert warnings(volumes) == {"t2f": ["No overlap in space with T1Gd."]}


def test_thick_slices_and_skull() -> None:
    volumes = four()
    volumes["t1n"] = add_brain("thick", 9)
    volumes["t1n"].SetSpacing(4, 4, 5)
    assert warnings(volumes) == {"t1n": ["Thick slices: 5.0 mm."]}
    noise = np.random.default_rng(0).integers(1, 9, (40, 48, 40), np.int16)
    slicer.util.updateVolumeFromArray(volumes["t1n"], slicer.util.arrayFromVolume(volumes["t2w"]) + noise)
    assert warnings(volumes)["t1n"][-1].startswith("Shows the skull:")


def test_a_change_of_voxels_is_noticed() -> None:
    volumes = four()
    lines = VolumeLines()
    assert lines.lines(volumes, NOBODY)["t2w"].warnings == ()
    slicer.util.updateVolumeFromArray(volumes["t2w"], np.full((5, 6, 7), 3, np.int16))
    slicer.util.arrayFromVolume(volumes["t2w"])[2, 2, 2:] = [1, 2, 3, 4, 5]
    slicer.util.arrayFromVolumeModified(volumes["t2w"])
    assert lines.lines(volumes, NOBODY)["t2w"].warnings == ()
    slicer.util.updateVolumeFromArray(volumes["t2w"], slicer.util.arrayFromVolume(volumes["t1n"]).copy())
    assert lines.lines(volumes, NOBODY)["t2w"].warnings == ("The same voxels as T1.",)


def test_another_patient_or_date_without_a_name() -> None:
    volumes = four()
    for role, volume in volumes.items():
        put_into_study(volume, "17", "20240102" if role == "t2f" else "20240101")
    assert warnings(volumes) == {"t2f": ["Another study date than T1, T1Gd, T2."]}
    put_into_study(volumes["t2f"], "18", "20240101")
    assert warnings(volumes) == {"t2f": ["Another patient than T1, T1Gd, T2."]}
    for role in ("t2w", "t2f"):
        put_into_study(volumes[role], "18", "20240101")
    assert warnings(volumes)["t1n"] == ["Another patient than T2, T2-FLAIR."]
    assert warnings(volumes)["t2w"] == ["Another patient than T1, T1Gd."]
    assert "Doe" not in str(warnings(volumes))


def test_a_volume_that_lies_nowhere() -> None:
    volumes = four()
    volumes["t2w"].SetAndObserveImageData(None)
    assert warnings(volumes) == {"t2w": ["The volume a_t2 has no voxels."]}
