"""The command on folders as `segment` leaves them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from SegMambaCore.command.main import main
from SegMambaCore.follow_up.read_folder import date_in


def write_scan(folder: Path, enhancing_ml: float, products: list[tuple[float, bool]]) -> None:
    folder.mkdir(parents=True)
    regions = {"WT": 5 * enhancing_ml, "TC": 2 * enhancing_ml, "ET": enhancing_ml}
    report = {
        "regions": {key: {"volume_ml": volume} for key, volume in regions.items()},
        "lesions": [{"product_mm2": product, "measurable": measurable} for product, measurable in products],
    }
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    """Three scans; the lesion of 60 mm2 is too small to be measured."""
    folder = tmp_path / "Patient 7"
    write_scan(folder / "2024-05-02", 10.0, [(400.0, True), (100.0, True), (60.0, False)])
    write_scan(folder / "2024-06-20", 3.5, [(240.0, True)])
    write_scan(folder / "2024-10-20", 5.0, [(300.0, True)])
    return folder


def test_it_writes_table_picture_and_report(
    patient: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "result"
    arguments = ["follow-up", str(patient), "--output", str(output), "--baseline", "2024-05-02"]
    assert main([*arguments, "--treatment", "2024-06-20=after-radiotherapy"]) == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "follow_up.csv", "follow_up.html", "follow_up.png",
    ]  # fmt: skip
    with (output / "follow_up.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = {(line["date"], line["measure"]): line for line in csv.DictReader(file)}
    middle = lines["2024-06-20", "Sum of products"]
    assert middle["change_to_baseline_percent"] == "-52.00"
    assert "weights not validated on treated tumors" in middle["caveats"]
    assert lines["2024-06-20", "Enhancing tumor volume"]["change_to_baseline_percent"] == "-65.00"
    assert lines["2024-10-20", "Sum of products"]["change_to_nadir_percent"] == "25.00"
    said = capsys.readouterr().out
    assert "+25 % product reached (against nadir)" in said
    assert "-65 % volume reached (against baseline)" in said
    assert "Follow-up of Patient 7" in (output / "follow_up.html").read_text(encoding="utf-8")


def test_without_a_baseline(patient: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["follow-up", str(patient), "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "not assessable: no baseline was confirmed" in said
    assert "reached" not in said


def test_mistakes_are_told(patient: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["follow-up", str(patient), "--output", str(tmp_path / "out")]
    assert main([*command, "--baseline", "2024-01-01"]) == 1
    assert "is none of 2024-05-02" in capsys.readouterr().err
    assert main([*command, "--date", "May=2024-05-02"]) == 1
    assert "May is none of the scans" in capsys.readouterr().err
    for wrong in (["--date", "2024-05-02=2.5.24"], ["--treatment", "2024-05-02=cured"]):
        with pytest.raises(SystemExit):
            main([*command, *wrong])
    with pytest.raises(SystemExit):
        main([*command, "--radiotherapy-end", "May"])
    assert "May is not a day, YYYY-MM-DD" in capsys.readouterr().err
    (patient / "2024-06-20" / "report.json").write_text("{}", encoding="utf-8")
    assert main(command) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert main(["follow-up", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    assert "0 folders with a report.json" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "found"),
    [("20240502_MR", "2024-05-02"), ("Brain 2024.05.02", "2024-05-02"), ("BraTS-GLI-00000-001", None),
     ("BraTS2021_00002", None), ("12345678", None), ("2024-05-02 2024-06-02", None)],
)  # fmt: skip
def test_date_in_a_name(name: str, found: str | None) -> None:
    date = date_in(name)
    assert (date and date.isoformat()) == found
