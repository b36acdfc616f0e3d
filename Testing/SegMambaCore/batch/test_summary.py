"""A table that spreadsheets and programs read."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from SegMambaCore.batch.summary import COLUMNS, read_summary, write_summary

from .outcomes import EVIL, make_outcomes


def test_columns_and_cells(tmp_path: Path) -> None:
    write_summary(make_outcomes(), tmp_path / "summary.csv")
    content = (tmp_path / "summary.csv").read_bytes()
    assert content.startswith(
        b"\xef\xbb\xbfcase,patient,time_point,status,reason,WT_ml,TC_ml,ET_ml,WT_lesions,"
    )
    with (tmp_path / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["done", "waiting", "failed", "incomplete", "running"]
    assert rows[0]["case"] == "'" + EVIL  # a spreadsheet would compute it
    assert (rows[0]["WT_ml"], rows[0]["ET_ml"]) == ("12.346", "none found")
    assert rows[0]["warnings"] == "T1 <lies> apart. | Memory ran out."
    assert (rows[0]["TC_lesions"], rows[0]["WT_side"], rows[0]["TC_side"]) == ("2", "left", "unknown")
    assert (rows[0]["ET_measurable"], rows[0]["ET_longest_mm"], rows[0]["ET_product_mm2"]) == (
        "1",
        "31.0",
        "621",
    )
    assert rows[3]["warnings"] == "T2 is probably x."
    assert rows[0]["t2f_sha256"] == "t2f" * 8
    assert (rows[1]["patient"], rows[1]["time_point"], rows[1]["WT_ml"]) == ("B", "2024-01-05", "")
    assert rows[2]["reason"] == 'T2: "x.nii": empty, really.'


def test_reading_gives_the_names_back(tmp_path: Path) -> None:
    write_summary(make_outcomes(), tmp_path / "summary.csv")
    rows = read_summary(tmp_path / "summary.csv")
    assert [row["case"] for row in rows] == [EVIL, "B/2024-01-05", "C", "D", "E"]
    assert set(rows[0]) == set(COLUMNS)


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"case,status\nx,running\n"])
def test_a_file_of_somebody_else_s(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "summary.csv").write_bytes(content)
    assert read_summary(tmp_path / "summary.csv") == []
