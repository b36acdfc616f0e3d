"""What is copied and exported."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from SegMambaLib.measures.measuresTable import asText, writeCsv
from SegMambaLib.measures.segmentState import setReviewed
from SegMambaLib.measures.tumorMeasures import TumorMeasures

from Testing.SegMambaSlicer.measures.tumor_scene import TumorScene


@pytest.fixture
def measures() -> TumorMeasures:
    scene = TumorScene()
    scene.tag_as_computed()
    scene.write("WT", scene.masks["TC"])
    setReviewed(scene.segmentation, "TC", True)
    measures = TumorMeasures()
    measures.update(scene.segmentation, {**scene.volumes, "t2w": None})
    measures.setTarget(1, True)
    return measures


def table(rows: list[list[str]], first: str) -> list[dict[str, str]]:
    start = next(number for number, row in enumerate(rows) if row and row[0] == first)
    end = next(number for number in range(start, len(rows)) if not rows[number])
    return [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 : end]]


def test_csv_has_figures_states_model_and_dates_and_no_name(measures: TumorMeasures, tmp_path: Path) -> None:
    path = tmp_path / "Maße.csv"
    writeCsv(measures, path)
    text = path.read_text(encoding="utf-8-sig")
    assert "DOE" not in text and "JOHN" not in text
    rows = list(csv.reader(text.splitlines()))
    assert "research" in rows[0][0].lower()
    assert rows[1:4] == [
        ["Model", "small-brats-44"],
        ["Segmented on", "2026-01-02"],
        ["Exported on", date.today().isoformat()],
    ]
    regions = table(rows, "Region")
    assert [row["State"] for row in regions] == ["edited", "reviewed", "as computed"]
    assert [row["Side"] for row in regions] == ["both sides"] * 3
    assert float(regions[2]["Volume (mL)"]) == pytest.approx(measures.regions[2].volumeMl, abs=0.005)
    assert regions[0]["Mean T2"] == "" and float(regions[0]["Mean T1Gd"]) > 190
    large, small = table(rows, "Enhancing lesion")
    assert (large["Target"], small["Target"]) == ("yes", "no")
    assert (large["Measurable"], large["Lines"], large["Side"]) == ("yes", "as computed", "right")
    longest, perpendicular = (float(large[f"Longest {name} (mm)"]) for name in ("diameter", "perpendicular"))
    assert (longest, perpendicular) == pytest.approx(measures.lesions[0].diametersMm, abs=0.05)
    assert float(large["Product (mm2)"]) == pytest.approx(longest * perpendicular, abs=3)
    (total,) = [row for row in rows if row and row[0].startswith("Sum of")]
    assert total[1] == large["Product (mm2)"]


def test_the_clipboard_gets_the_same_cells(measures: TumorMeasures, tmp_path: Path) -> None:
    writeCsv(measures, tmp_path / "measures.csv")
    rows = list(csv.reader((tmp_path / "measures.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [line.split("\t") if line else [] for line in asText(measures).splitlines()] == rows


def test_nothing_found_is_said_in_words(tmp_path: Path) -> None:
    scene = TumorScene()
    scene.write("ET", np.zeros_like(scene.large))
    measures = TumorMeasures()
    measures.update(scene.segmentation, {})
    lines = asText(measures).splitlines()
    (row,) = [line.split("\t") for line in lines if line.startswith("ET")]
    assert row[1:6] == ["edited", "none found", "0", "0", ""]
    assert "Enhancing lesions\tnone found" in lines
    assert "Model\tunknown" in lines
    assert "Sum of the targets' products (mm2)\tno target" in lines


def test_a_file_that_cannot_be_written_is_named(measures: TumorMeasures, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="absent"):
        writeCsv(measures, tmp_path / "absent" / "measures.csv")
