"""Names and headers of single series against a table composed by hand."""

from __future__ import annotations

from random import Random

import pytest

from SegMambaCore.case.appearance import Appearance, look_at
from SegMambaCore.case.series import Series
from Testing.SegMambaCore.case.series_table import HEADERS, named

_AGENT_SIGNS = {"with": "+", "without": "-", "unknown": ""}
_SPELLINGS = {
    "upper case": str.upper,
    "lower case": str.lower,
    "capitals": str.title,
    "underscores": lambda name: name.replace(" ", "_"),
    "numbered": lambda name: f"1203: {name}",
    "numbered in front": lambda name: f"0012_{name}",
    "numbered behind": lambda name: f"{name}_2",
}


def _what(appearance: Appearance) -> str:
    if appearance.weighting is None:
        unclear = (
            "neither its name" in appearance.reason
            or appearance.could_be
            or any(sign in appearance.reason for sign in ("both", "which is FLAIR or", "proton density"))
        )
        return "?" if unclear else "none"
    sign = (
        _AGENT_SIGNS[appearance.agent.verdict]
        if appearance.agent.in_words or appearance.weighting == "T1"
        else ""
    )
    return appearance.weighting + sign


def test_the_table_is_long_enough() -> None:
    assert len(named()) >= 180 and len(HEADERS) >= 40


@pytest.mark.parametrize(("what", "name"), named())
def test_names(what: str, name: str) -> None:
    appearance = look_at(Series(name))
    assert _what(appearance) == what, appearance
    assert appearance.reason


@pytest.mark.parametrize("spelling", _SPELLINGS)
def test_spelling_does_not_matter(spelling: str) -> None:
    for what, name in named():
        # A space before -C tells "without" from a separator; a name that begins with "sub" has no number in front.
        if (spelling, name) == ("underscores", "AX T1 -C") or (spelling, name[:3]) == (
            "numbered in front",
            "sub",
        ):
            continue
        changed = _SPELLINGS[spelling](name)
        assert _what(look_at(Series(changed))) == what, changed


@pytest.mark.parametrize(("what", "attributes"), HEADERS)
def test_headers(what: str, attributes: dict[str, str]) -> None:
    name = f"7: {attributes['SeriesDescription']}"  # as Slicer calls a volume from DICOM
    appearance = look_at(Series.from_dicom(name, attributes))
    assert _what(appearance) == what, appearance


def test_the_reason_quotes_the_name() -> None:
    assert look_at(Series("BraTS2021_00002_t1ce")).reason == 'its name says "t1ce"'
    assert look_at(Series("AX T1 +C")).agent.reason == '"+c" means contrast agent'
    flair = look_at(Series.from_dicom("SPACE", {"EchoTime": "388", "InversionTime": "1800"}))
    assert flair.reason == "inversion time 1800 ms and long echo (388 ms): FLAIR"


def test_a_renamed_volume_and_its_description_are_read_together() -> None:
    renamed = look_at(Series("post", description="t1_mprage_sag"))
    assert _what(renamed) == "T1+"
    assert _what(look_at(Series("T1 nativ", description="t1_mprage_KM"))) == "?"


def test_any_text_has_an_answer() -> None:
    letters = "aAtT12cCwWnN+-*/_. :()ßéü\u4e2d\x00flairmprgdk"
    random = Random(1)
    for _ in range(3000):
        text = "".join(random.choices(letters, k=random.randrange(30)))
        assert look_at(Series(text, description=text[::-1], protocol=text)).reason
