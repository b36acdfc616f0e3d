"""The four series of a study among all others, by their attributes or by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset

from SegMambaCore.case.choose_series import choose_series, what_it_shows
from SegMambaCore.case.read_case import read_case
from SegMambaCore.dicom.find_series import find_series
from SegMambaCore.errors import SegMambaError
from SegMambaCore.sample.dicom_series import SeriesHeader, Study, make_slices
from Testing.SegMambaCore.dicom.studies import SECRETS, STUDY, oblique, save

SERIES = {
    2: ("T1 SE", {"RepetitionTime": 550, "EchoTime": 12}),
    3: ("", {"RepetitionTime": 4500, "EchoTime": 95}),  # by its times alone
    4: ("dark fluid", {"ScanningSequence": ["SE", "IR"], "InversionTime": 2500, "EchoTime": 110}),
    5: ("T1 SE", {"ContrastBolusAgent": "Gadovist", "RepetitionTime": 550, "EchoTime": 12}),
    6: ("ep2d_diff", {"ScanningSequence": "EP", "EchoTime": 90}),
    7: ("Map", {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}),
    8: ("Head", {"Modality": "CT"}),
}
ROLES = {"t1n": "2", "t1c": "5", "t2w": "3", "t2f": "4"}
OTHER_DAY = replace(STUDY, date="20231101", number="0")
OTHER_PATIENT = Study("Kleiber^Otto", "PID-000815")


def _slices(study: Study = STUDY, skip: tuple[int, ...] = ()) -> dict[int, list[FileDataset]]:
    return {
        number: make_slices(oblique((9, 6, 5), number), SeriesHeader(number, text, dict(attributes)), study)
        for number, (text, attributes) in SERIES.items()
        if number not in skip
    }


def _write(folder: Path, slices: dict[int, list[FileDataset]]) -> Path:
    for number, one in slices.items():
        save(one, folder / str(number))
    return folder


def _choose(folder: Path, **named: str) -> dict[str, str | None]:
    choices = choose_series(find_series(folder), named, folder)
    return {role: choice.series.label if choice.series else None for role, choice in choices.items()}


def test_by_names_and_times(tmp_path: Path) -> None:
    folder = _write(tmp_path, _slices())
    assert _choose(folder) == ROLES
    shown = {one.label: what_it_shows(one) for one in find_series(folder)}
    assert "diffusion" in shown["6"] and "a computed map" in shown["7"] and "CT" in shown["8"]


def test_a_person_names_a_series(tmp_path: Path) -> None:
    folder = _write(tmp_path, _slices())
    assert _choose(folder, t2w="6") == {**ROLES, "t2w": "6"}
    assert _choose(folder, t1n="5", t1c="2") == {**ROLES, "t1n": "5", "t1c": "2"}
    with pytest.raises(SegMambaError, match=r"T2-FLAIR: there is no series 99.*--list-series"):
        _choose(folder, t2f="99")


def test_two_that_could_be_it(tmp_path: Path) -> None:
    slices = _slices()
    twin = make_slices(oblique((9, 6, 5), 44), SeriesHeader(9, "dark fluid", dict(SERIES[4][1])), STUDY)
    folder = _write(tmp_path, {**slices, 9: twin})
    choice = choose_series(find_series(folder), {}, folder)["t2f"]
    assert choice.series is None
    assert (
        choice.reason
        == '2 series could be it: series 4 "dark fluid" (9 images), series 9 "dark fluid" (9 images)'
    )
    assert _choose(folder, t2f="9") == {**ROLES, "t2f": "9"}


def test_one_with_slices_missing_is_not_taken(tmp_path: Path) -> None:
    slices = _slices()
    gap = make_slices(oblique((10, 6, 5), 44), SeriesHeader(9, "dark fluid", dict(SERIES[4][1])), STUDY)
    del gap[4]
    assert _choose(_write(tmp_path / "a", {**slices, 9: gap})) == ROLES
    del slices[4]
    folder = _write(tmp_path / "b", {**slices, 9: gap})
    choice = choose_series(find_series(folder), {}, folder)["t2f"]
    assert choice.series is None and "series 9" in choice.reason and "a slice is missing" in choice.reason


def test_two_patients_are_named_by_letters(tmp_path: Path) -> None:
    _write(tmp_path / "a", _slices())
    _write(tmp_path / "b", _slices(OTHER_PATIENT, skip=(3,)))
    with pytest.raises(SegMambaError) as error:
        _choose(tmp_path)
    message = str(error.value)
    assert "series of 2 patients" in message and "patient A" in message and "patient B" in message
    assert not any(secret in message.lower() for secret in (*SECRETS, "kleiber", "otto", "000815"))
    mine = next(
        one.label[-1] for one in find_series(tmp_path) if one.label[0] == "4" and one.place.parent.name == "a"
    )
    assert _choose(tmp_path, t2f=f"4{mine}")["t1n"] == f"2{mine}"
    with pytest.raises(SegMambaError, match="2 patients"):
        _choose(tmp_path, t2f="4a", t1c="5b")


def test_two_days_are_named(tmp_path: Path) -> None:
    _write(tmp_path / "a", _slices())
    _write(tmp_path / "b", _slices(OTHER_DAY))
    with pytest.raises(
        SegMambaError, match=r"2 days of one patient\. 2023-11-01: series .*; 2024-05-02: series"
    ):
        _choose(tmp_path)
    assert _choose(tmp_path, t1n="2b")["t2w"] == "3b"


def test_an_older_study_without_the_four_does_not_matter(tmp_path: Path) -> None:
    _write(tmp_path / "a", _slices())
    _write(tmp_path / "b", _slices(OTHER_DAY, skip=(2, 3, 4, 5)))
    assert _choose(tmp_path) == ROLES


@pytest.mark.parametrize(
    ("other", "words"), [(OTHER_PATIENT, "2 patients"), (OTHER_DAY, "2 days of one patient")]
)
def test_folders_of_several_patients_or_days(tmp_path: Path, other: Study, words: str) -> None:
    _write(tmp_path / "a", _slices())
    _write(tmp_path / "b", _slices(other))
    sources = {role: tmp_path / "a" / number for role, number in ROLES.items()}
    sources["t2f"] = tmp_path / "b" / "4"
    with pytest.raises(SegMambaError) as error:
        read_case(sources)
    message = str(error.value)
    assert (
        words in message and 'T2-FLAIR is series 4 "dark fluid"' in message and "T1Gd is series 5" in message
    )
    assert not any(secret in message.lower() for secret in (*SECRETS, "kleiber"))
