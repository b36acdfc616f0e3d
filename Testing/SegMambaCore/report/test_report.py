"""report.json says what happened."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.measures.measure import measure
from SegMambaCore.measures.midsagittal import MidsagittalPlane
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.report.read_report import read_report
from SegMambaCore.report.report import Run, write_report
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.volume import Grid, Volume

_MODEL = ModelSpec(
    name="segmamba-small",
    network="small",
    channels=("t2w", "t2f", "t1n", "t1c"),
    spacing=(1.0, 1.0, 1.0),
    orientation="LPS",
    normalisation="zscore_brain",
    activation="sigmoid",
    outputs=("WT", "TC", "ET"),
    date="2026-01-02",
    licence="Apache-2.0",
)


def _run(tmp_path: Path) -> Run:
    affine = np.diag([0.5, 1.0, 2.0, 1.0])
    volumes, sources, hashes = {}, {}, {}
    for number, role in enumerate(ROLES):
        volumes[role] = Volume(np.full((2, 3, 4 + number), number, np.int16), affine)
        sources[role] = tmp_path / f"Müller {role}.nii.gz"
        sources[role].write_bytes(role.encode())
        hashes[role] = hashlib.sha256(role.encode()).hexdigest()
    grid = volumes["t1c"].grid
    masks = {region: np.zeros(grid.shape, dtype=bool) for region in ("WT", "TC", "ET")}
    masks["WT"][0, 0, :3] = masks["TC"][0, 0, 0] = True
    asked = InferenceSettings()
    started = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=1)))
    return Run(
        case=Case(volumes, "t1c", sources, hashes),
        measures=measure(Segmentation(masks, grid), volumes, MidsagittalPlane(-90.0, 0.0, 0.0)),
        label_convention="brats2023",
        model=_MODEL,
        model_sha256="ab" * 32,
        settings_asked=asked,
        settings_used=asked.resolved("cpu"),
        device_name="Processor, 2 threads",
        started=started,
        finished=started + timedelta(seconds=12),
        seconds={"read": 1.25, "segment": 10.0},
        fallbacks=("Smaller patches.",),
        warnings=("The volumes lie apart.",),
    )


def _written(run: Run, path: Path) -> dict:
    write_report(run, path)
    return json.loads(path.read_text(encoding="utf-8"))


def test_report_names_inputs_model_settings_and_times(tmp_path: Path) -> None:
    run = _run(tmp_path)
    report = _written(run, tmp_path / "report.json")
    assert report["schema"] == "segmamba-report"
    assert report["schema_version"] == 1
    assert "research" in report["statement"].lower()
    assert report["reference"] == "t1c"
    for number, role in enumerate(ROLES):
        entry = report["inputs"][role]
        assert entry["path"] == str(tmp_path / f"Müller {role}.nii.gz")
        assert entry["sha256"] == hashlib.sha256(role.encode()).hexdigest()
        assert entry["shape"] == [4 + number, 3, 2]
        assert entry["spacing_mm"] == [0.5, 1.0, 2.0]
    assert report["model"] == {
        "name": "segmamba-small",
        "network": "small",
        "sha256": "ab" * 32,
        "date": "2026-01-02",
        "licence": "Apache-2.0",
    }
    assert report["settings"]["asked"]["mode"] == "auto"
    assert report["settings"]["used"] == {
        "mode": "onepass",
        "mirror": "none",
        "overlap": 0.5,
        "device": "cpu",
    }
    assert report["device"] == "Processor, 2 threads"
    assert report["seconds"] == {"read": 1.25, "segment": 10.0}
    assert report["fallbacks"] == ["Smaller patches."]
    assert report["warnings"] == ["The volumes lie apart."]
    assert datetime.fromisoformat(report["started"]) == run.started
    assert datetime.fromisoformat(report["finished"]) == run.finished


def test_a_region_without_voxels_is_not_found_rather_than_measured(tmp_path: Path) -> None:
    report = _written(_run(tmp_path), tmp_path / "report.json")
    assert report["regions"]["WT"] == {
        "title": "Whole tumor",
        "found": True,
        "voxels": 3,
        "volume_ml": 0.003,
        "lesions": 1,
        "specks": 1,
        "side": "right",
        "mean_intensity": {"t1n": 0.0, "t1c": 1.0, "t2w": 2.0, "t2f": 3.0},
    }
    assert report["regions"]["TC"]["found"] is True
    assert report["regions"]["ET"] == {
        "title": "Enhancing tumor",
        "found": False,
        "voxels": 0,
        "volume_ml": 0.0,
        "lesions": 0,
        "specks": 0,
        "side": None,
        "mean_intensity": {"t1n": None, "t1c": None, "t2w": None, "t2f": None},
    }
    assert report["lesions"] == []


def test_each_enhancing_lesion_has_its_diameters_and_where_they_lie(tmp_path: Path) -> None:
    run = _run(tmp_path)
    grid = Grid((3, 30, 40), np.diag([0.5, 1.0, 2.0, 1.0]))
    masks = {region: np.zeros(grid.shape, dtype=bool) for region in ("WT", "TC", "ET")}
    masks["ET"][:2, 5:25, 10:13] = True
    masks["ET"][2, 0, 30] = True
    run = replace(run, measures=measure(Segmentation(masks, grid), {}, None))
    report = _written(run, tmp_path / "report.json")
    large, speck = report["lesions"]
    # 20 rows of 1 mm, 3 columns of 0.5 mm, with the corners of the pixels cut off.
    assert large["longest"]["mm"] == pytest.approx(math.hypot(20, 1.0), abs=0.01)
    assert sorted(end[1] for end in (large["longest"]["from"], large["longest"]["to"])) == [4.5, 24.5]
    assert large["product_mm2"] == pytest.approx(
        large["longest"]["mm"] * large["perpendicular"]["mm"], abs=0.1
    )
    assert (large["axial_slices"], large["measurable"], large["side"]) == (2, False, "unknown")
    assert speck["volume_ml"] == 0.001
    assert report["measurable_from_mm"] == 10.0
    earlier = read_report(tmp_path / "report.json")
    assert earlier is not None and (earlier.lesions["ET"], earlier.measurable) == (1, 0)
    assert earlier.largest == (large["longest"]["mm"], large["perpendicular"]["mm"], large["product_mm2"])


def test_an_input_that_never_was_a_file_has_neither_path_nor_hash(tmp_path: Path) -> None:
    run = _run(tmp_path)
    del run.case.sources["t2f"], run.case.hashes["t2f"]
    inputs = _written(run, tmp_path / "report.json")["inputs"]
    assert inputs["t2f"]["path"] is None
    assert inputs["t2f"]["sha256"] is None


def test_the_hash_is_of_what_was_read_even_if_the_file_changed_since(tmp_path: Path) -> None:
    run = _run(tmp_path)
    run.case.sources["t1n"].write_bytes(b"another scan")
    report = _written(run, tmp_path / "report.json")
    assert report["inputs"]["t1n"]["sha256"] == hashlib.sha256(b"t1n").hexdigest()


def test_report_is_strict_json_or_absent(tmp_path: Path) -> None:
    run = replace(_run(tmp_path), seconds={"read": math.nan})
    with pytest.raises(ValueError, match="JSON"):
        write_report(run, tmp_path / "report.json")
    assert not (tmp_path / "report.json").exists()


def test_missing_folder_is_a_mistake_the_user_can_read(tmp_path: Path) -> None:
    with pytest.raises(SegMambaError, match="absent"):
        write_report(_run(tmp_path), tmp_path / "absent" / "report.json")


def test_a_report_can_be_read_again(tmp_path: Path) -> None:
    run = _run(tmp_path)
    write_report(run, tmp_path / "report.json")
    earlier = read_report(tmp_path / "report.json")
    assert earlier is not None
    assert earlier.hashes == run.case.hashes
    assert earlier.volumes_ml == {"WT": 0.003, "TC": 0.001, "ET": None}
    assert earlier.warnings == ("The volumes lie apart.", "Smaller patches.")
    assert (earlier.model_name, earlier.model_sha256) == ("segmamba-small", "ab" * 32)
    assert earlier.settings_asked == {"mode": "auto", "mirror": "auto", "overlap": 0.5, "device": "auto"}
    assert earlier.seconds == 11.25 and earlier.finished.startswith("2026-03-04T05:06:19")
