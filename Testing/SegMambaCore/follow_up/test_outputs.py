"""Table, picture and page: what they say, and the words that they never say."""

from __future__ import annotations

import csv
import re
from html import unescape
from pathlib import Path

import pytest

from SegMambaCore.follow_up.assess import Assessment, FollowUp, assess
from SegMambaCore.follow_up.csv_file import COLUMNS, write_csv
from SegMambaCore.follow_up.plot import draw_plot
from SegMambaCore.follow_up.report_page import write_report_page
from SegMambaCore.follow_up.time_point import Treatment
from SegMambaCore.follow_up.wording import value_text

from .courses import START, VERDICT, course

KINDS = [
    Treatment.BEFORE,
    Treatment.AFTER_SURGERY,
    Treatment.AFTER_RADIOTHERAPY,
    Treatment.AFTER_RADIOTHERAPY,
]
COURSES = {
    "grown": FollowUp(course([100, 200, 90, 300], [4, 8, 2, 9], KINDS), "B", START),
    "gone": FollowUp(course([100, 0, 0, 50], [4, 0, 0, 2], KINDS), "A"),
    "unmeasured": FollowUp(course([None, 3, None, 4], [None, 2, 3, None], KINDS), "A"),
    "unconfirmed": FollowUp(course([1, 2], [1, 2], KINDS[:2])),
}


@pytest.fixture(params=COURSES)
def assessment(request: pytest.FixtureRequest) -> Assessment:
    return assess(COURSES[request.param])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_no_output_holds_a_verdict(assessment: Assessment, tmp_path: Path) -> None:
    write_csv(assessment, tmp_path / "a.csv")
    write_report_page(assessment, "Patient 1", None, tmp_path / "a.html")
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        page = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
        assert not VERDICT.search(unescape(page)), (path.name, VERDICT.search(page))


def test_the_picture_says_no_verdict(assessment: Assessment, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.text import Text

    said: list[str] = []
    write = Text.set_text
    monkeypatch.setattr(Text, "set_text", lambda self, text: said.append(str(text)) or write(self, text))
    picture = draw_plot(assessment)
    assert picture.startswith(b"\x89PNG")
    words = " ".join(said)
    assert "Baseline" in words or "not assessable" in words
    assert not VERDICT.search(words)


def test_table(tmp_path: Path) -> None:
    write_csv(assess(COURSES["grown"]), tmp_path / "a.csv")
    lines = read(tmp_path / "a.csv")
    assert tuple(lines[0]) == COLUMNS
    assert len(lines) == 4 * 4
    last = next(line for line in lines if line["time_point"] == "D" and line["measure"] == "Sum of products")
    assert last["date"] == "2024-08-16"
    assert last["days_since_baseline"] == "112"
    assert (last["value"], last["unit"]) == ("300.000", "mm2")
    assert last["change_to_baseline_percent"] == "50.00"
    assert last["change_to_nadir_percent"] == "233.33"
    assert last["nadir_at"] == "C"
    assert last["threshold"] == "'+25 % product reached (against nadir)"  # no formula for a spreadsheet
    assert last["segments_are"] == "WT as computed, TC as computed, ET edited"
    assert "weights not validated on treated tumors" in last["caveats"]
    assert "research use only" in last["statement"]


def test_table_without_a_baseline(tmp_path: Path) -> None:
    write_csv(assess(COURSES["unconfirmed"]), tmp_path / "a.csv")
    for line in read(tmp_path / "a.csv"):
        assert line["change_to_baseline"] == line["change_to_nadir"] == "not assessable"
        assert line["change_to_baseline_percent"] == line["threshold"] == line["days_since_baseline"] == ""


def test_page(tmp_path: Path) -> None:
    found = assess(COURSES["grown"])
    write_report_page(found, "<Patient> & Co", draw_plot(found), tmp_path / "a.html", ["Registered rigidly."])
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<Patient>" not in page and "&lt;Patient&gt; &amp; Co" in page
    assert page.count("weights not validated on treated tumors") >= 3
    assert "+25 % product reached (against nadir)" in page
    assert "J Clin Oncol 2023;41:5187" in page
    assert "Registered rigidly." in page
    assert 'src="data:image/png;base64,' in page
    assert "http" not in page  # it needs nothing from elsewhere


def test_nothing_is_not_0() -> None:
    rows = assess(COURSES["gone"]).rows
    texts = {(row.point.name, row.measure.key): value_text(row) for row in rows}
    assert texts["B", "product"] == "no measurable lesion"
    assert texts["B", "ET"] == "none found"
    assert texts["A", "product"] == "100 mm²"
