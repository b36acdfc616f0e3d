"""Which node gets which role: by names, by DICOM headers, and never against the user."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import slicer
from brains import add_brains
from scenes import REPOSITORY, ROLES
from SegMambaLib.inputs.roleAssigner import RoleAssigner, assignVolumes, volumesInScene
from SegMambaLib.inputs.volumeSeries import rememberHeader
from standins.dicom import DicomDatabase

DATA = Path(os.environ.get("SEGMAMBA_DATA", REPOSITORY.parent / "shared" / "data")) / "brats"
NOTHING = dict.fromkeys(ROLES)


def names(assignments: dict) -> list[str | None]:
    return [made.volume.GetName() if made.volume else None for made in (assignments[role] for role in ROLES)]


@pytest.mark.parametrize("seed", range(5))
def test_four_names_in_any_order(seed: int) -> None:
    usual = ["5: AX T1", "12: T1 MPRAGE +C", "AX T2 FSE", "Ax T2 FLAIR"]
    add_brains(*random.Random(seed).sample([*usual, "3 Plane Loc", "ADC (10^-6 mm²/s)"], 6))
    found = assignVolumes(volumesInScene())
    assert names(found) == usual
    assert all(made.isSure for made in found.values())


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real cases in {DATA}; set SEGMAMBA_DATA")
def test_the_names_of_real_cases() -> None:
    for case in sorted(DATA.iterdir()):
        slicer.mrmlScene.Clear()
        for path in sorted(case.iterdir(), reverse=True):
            slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", path.name.removesuffix(".nii.gz"))
        volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        found = assignVolumes(volumes)
        assert all(made.isSure for made in found.values()), case
        suffixes = ("t1n", "t1c", "t2w", "t2f") if "GLI" in case.name else ("t1", "t1ce", "t2", "flair")
        assert names(found) == [f"{case.name}{'-' if 'GLI' in case.name else '_'}{end}" for end in suffixes]


def test_headers_tell_where_names_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    database = DicomDatabase(
        [
            {"SeriesDescription": "3D", "EchoTime": "3", "RepetitionTime": "2300", "InversionTime": "900"},
            {
                "SeriesDescription": "3D",
                "EchoTime": "3",
                "RepetitionTime": "2300",
                "InversionTime": "900",
                "ContrastBolusAgent": "Gadovist",
            },
            {
                "SeriesDescription": "SPACE",
                "EchoTime": "388",
                "RepetitionTime": "5000",
                "InversionTime": "1800",
            },
            {"SeriesDescription": "SPACE", "EchoTime": "400", "RepetitionTime": "3200"},
        ]
    )
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    volumes = [database.load(f"1.2.{number}") for number in range(4)]
    expected = ["0: 3D", "1: 3D", "3: SPACE", "2: SPACE"]
    found = assignVolumes(volumes)
    assert names(found) == expected
    assert found["t2f"].reason == "inversion time 1800 ms and long echo (388 ms): FLAIR"
    assert not found["t2f"].isSure

    for volume in volumes:
        rememberHeader(volume)
    monkeypatch.setattr(slicer, "dicomDatabase", DicomDatabase([]))
    assert names(assignVolumes(volumes)) == expected
    assert not any("Doe" in str(volume) for volume in volumes)


def test_a_closed_database_leaves_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    (volume,) = add_brains("FLAIR")
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3.1")
    monkeypatch.setattr(slicer, "dicomDatabase", None, raising=False)
    assert assignVolumes([volume])["t2f"].volume is volume


def test_an_ambiguous_role_stays_empty_and_says_why() -> None:
    found = assignVolumes(add_brains("AX T1", "T1 tra", "T1 KM", "T2", "FLAIR"))
    assert names(found) == [None, "T1 KM", "T2", "FLAIR"]
    assert found["t1n"].reason == '2 volumes could be it: "AX T1", "T1 tra"'


def test_label_maps_hidden_and_empty_volumes_are_no_choice() -> None:
    add_brains("T2")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "FLAIR")
    label = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "T1")
    slicer.util.updateVolumeFromArray(label, slicer.util.arrayFromVolume(volumesInScene()[0]))
    add_brains("T1 KM")[0].SetHideFromEditors(True)
    assert [volume.GetName() for volume in volumesInScene()] == ["T2"]


def test_what_the_user_chose_stays() -> None:
    t1, t1c, t2, flair, other = volumes = add_brains("T1", "T1 KM", "T2", "FLAIR", "mine")
    assigner = RoleAssigner()
    found = assigner.assign({**NOTHING, "t2w": other}, volumes)
    assert names({**found, "t2w": found["t1n"]}) == ["T1", "T1 KM", "T1", "FLAIR"] and "t2w" not in found
    assert assigner.assignmentOf("t2w", other) is None
    assert assigner.assignmentOf("t1n", t1).isSure

    # What was filled automatically follows when the scene changes; T1 was taken by hand for another role.
    t1c.SetName("Post")
    again = assigner.assign({"t1n": t1, "t1c": t1c, "t2w": t1, "t2f": flair}, volumes)
    assert again["t1c"].volume is None and again["t1n"].volume is None
    assert again["t2f"].volume is flair
    assert t2 not in [made.volume for made in again.values()]
