"""Whole studies: which series gets which role, how sure, and what stays empty."""

from __future__ import annotations

import random

import pytest

from SegMambaCore.case.case import ROLES
from SegMambaCore.case.recognise import RoleChoice, assign_roles
from SegMambaCore.case.series import Series

EMPTY = "-"

# Behind the names: who is T1, T1Gd, T2, T2-FLAIR (position, * sure, ? probable), "-" empty.
STUDIES = {
    "BraTS 2021": (["P_t1", "P_t1ce", "P_t2", "P_flair", "P_seg"], "0* 1* 2* 3*"),
    "BraTS 2023": (["X-000-t1n", "X-000-t1c", "X-000-t2w", "X-000-t2f"], "0* 1* 2* 3*"),
    "Siemens": (
        ["localizer", "t1_se_tra", "t2_tse_tra", "t2_tirm_tra_dark-fluid", "ep2d_diff_ADC", "t1_mprage_tra_KM"],
        "1* 5* 2* 3*",
    ),
    "GE": (
        ["3 Plane Loc", "Ax T2 FSE", "Ax T2 FLAIR", "Ax DWI b1000", "Ax T1 FLAIR", "AX BRAVO +C", "Screen Save"],
        "4* 5* 1* 2*",
    ),
    "Philips": (["Survey", "sT1W_3D_TFE", "T2W_TSE", "3D_FLAIR", "T2W_FFE", "sT1W_3D_TFE_GD"], "1* 5* 2* 3*"),
    "French": (["T1 sans injection", "FLAIR", "T2", "T1 injecté"], "0* 3* 2* 1*"),
    "German": (["T1 nativ", "T1 KM", "T2 tra", "FLAIR tra"], "0* 1* 2* 3*"),
    "no T1Gd": (["MPRAGE", "T2", "FLAIR"], "0? - 1* 2*"),
    "no T1": (["MPRAGE KM", "T2", "FLAIR"], "- 0* 1* 2*"),
    "no FLAIR": (["T1", "T1 KM", "T2"], "0* 1* 2* -"),
    "T1 twice": (["AX T1", "T1 tra", "T1 KM", "T2", "FLAIR"], "- 2* 3* 4*"),
    "the same loaded twice": (["T1", "T1", "T1 KM", "T2", "FLAIR"], "- 2* 3* 4*"),
    "a namesake of Slicer's": (["T1", "T1_1", "T1 KM", "T2", "FLAIR"], "- 2* 3* 4*"),
    "two time points": (["a_t1", "a_t1ce", "a_t2", "a_flair", "b_t1", "b_t1ce", "b_t2", "b_flair"], "- - - -"),
    "nativ beside a bare one": (["MPRAGE nativ", "MPRAGE", "T2", "FLAIR"], "0? - 2* 3*"),
    "reformatted": (["T1", "mprage_KM", "mprage_KM_MPR_tra", "mprage_KM_MPR_cor", "T2", "FLAIR"], "0* 1* 4* 5*"),
    "derived by name": (["P_T1", "P_T1_bias", "P_T1c", "P_T1c_bias", "P_T2", "P_FLAIR"], "0* 2* 4* 5*"),
    "3D and 2D": (["T1 se", "3D T1 KM", "T1 tse KM", "T2", "FLAIR"], "0* 1? 3* 4*"),
    "three planes": (["AX T1", "SAG T1", "AX T1 +C", "COR T1 +C", "SAG T1 +C", "AX T2", "AX FLAIR"], "0? 2? 5* 6*"),
    "FLAIR with and without": (["T1", "T1 C+", "T2", "FLAIR", "FLAIR C+"], "0* 1* 2* 3?"),
    "FLAIR with alone": (["T1", "T1 C+", "T2", "FLAIR C+"], "0* 1* 2* 3?"),
    "SPACE alone says nothing": (["T1", "T1 KM", "SPACE sag", "FLAIR"], "0* 1* - 3*"),
    "w/wo": (["T1 w/wo", "T2", "FLAIR"], "- - 1* 2*"),
    "initials KM": (["KM_t1", "KM_t1ce", "KM_t2", "KM_flair"], "0* 1* 2* 3*"),
    "initials FA": (["FA.t1", "FA.t1ce", "FA.t2", "FA.flair", "FA.seg"], "0* 1* 2* 3*"),
    "all after contrast": (["post contrast T1", "post contrast T2", "post contrast FLAIR"], "- 0* 1? 2?"),
    "nothing": ([], "- - - -"),
    "nothing known": (["Series 5", "volume", "MRHead"], "- - - -"),
}  # fmt: skip


def _shown(choices: dict[str, RoleChoice]) -> str:
    signs = {"sure": "*", "probable": "?"}
    return " ".join(
        EMPTY if choice.index is None else f"{choice.index}{signs[choice.confidence or 'sure']}"
        for choice in (choices[role] for role in ROLES)
    )


@pytest.mark.parametrize("study", STUDIES)
def test_studies(study: str) -> None:
    names, expected = STUDIES[study]
    choices = assign_roles([Series(name) for name in names])
    assert _shown(choices) == expected, choices
    assert all(choice.reason for choice in choices.values())


@pytest.mark.parametrize("study", STUDIES)
def test_order_does_not_matter(study: str) -> None:
    names, _ = STUDIES[study]
    expected = assign_roles([Series(name) for name in names])
    for seed in range(20):
        order = random.Random(seed).sample(range(len(names)), len(names))
        choices = assign_roles([Series(names[place]) for place in order])
        for role in ROLES:
            index = choices[role].index
            assert (None if index is None else order[index]) == expected[role].index, (role, order)
            assert (choices[role].confidence, choices[role].reason) == (
                expected[role].confidence,
                expected[role].reason,
            )


@pytest.mark.parametrize("names", [("t1", "t1ce", "t2", "flair"), ("t1n", "t1c", "t2w", "t2f")])
@pytest.mark.parametrize("separator", ["_", "-", " ", ".", " - "])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_brats_names_are_always_sure(names: tuple[str, ...], separator: str, case: type[str]) -> None:
    prefixes = [
        "BraTS2021_00002",
        "BraTS-GLI-00000-000",
        "Brats18_TCIA13_623_1",
        "p7",
        "GD",
        "MASK",
        "post op",
        "1",
    ]
    for prefix in prefixes:
        choices = assign_roles([Series(case(f"{prefix}{separator}{name}")) for name in names])
        assert _shown(choices) == "0* 1* 2* 3*", (prefix, choices)


def _dicom(description: str, **attributes: str) -> Series:
    return Series.from_dicom(f"3: {description}", {"SeriesDescription": description, **attributes})


def test_the_header_tells_t1_from_t1gd() -> None:
    gadovist = {"ContrastBolusAgent": "Gadovist"}
    series = [_dicom("t1_mprage"), _dicom("t1_mprage", **gadovist), _dicom("t2_tse"), _dicom("t2_flair")]
    choices = assign_roles(series)
    assert _shown(choices) == "0* 1* 2* 3*"
    assert choices["t1c"].reason == 'its name says "t1"; its header names a contrast agent'
    alone = assign_roles(series[1:])
    assert _shown(alone) == "- 0? 1* 2*" and alone["t1c"].reason.endswith("there is no T1 to tell it from")


def test_a_header_that_names_the_agent_throughout_decides_nothing() -> None:
    gadovist = {"ContrastBolusAgent": "Gadovist"}
    study = [_dicom("AX T1", **gadovist), _dicom("COR T1", **gadovist), _dicom("AX T2"), _dicom("AX FLAIR")]
    assert _shown(assign_roles([_dicom("T1", **gadovist), *study[:1], *study[2:]])) == "- - 2* 3*"
    named = assign_roles([*study, _dicom("AX T1 +C", **gadovist)])
    assert _shown(named) == "- 4? 2* 3*"
    assert "no T1 is known to be without contrast agent" in named["t1n"].reason


def test_what_is_empty_says_why() -> None:
    choices = assign_roles([Series("T1 a"), Series("T1 b"), Series("T1/T2 dual")])
    assert choices["t1n"].reason == '2 volumes could be it: "T1 a", "T1 b"'
    assert choices["t1n"].candidates == (0, 1)
    assert choices["t2w"].reason == '"T1/T2 dual": its name says both "t1" and "t2"'
    assert choices["t2f"].reason == "no volume says that it is T2-FLAIR"
