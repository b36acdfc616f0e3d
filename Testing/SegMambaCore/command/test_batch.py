"""Many patients through one network: finished, failed, cancelled, killed, and gone on with."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from SegMambaCore.batch import record
from SegMambaCore.batch.lock import only_batch_in
from SegMambaCore.batch.patient_outcome import PatientOutcome
from SegMambaCore.batch.summary import read_summary
from SegMambaCore.command import batch_run, segment_case
from SegMambaCore.command.batch_progress import JsonBatch
from SegMambaCore.command.main import main
from SegMambaCore.errors import DiskFullError, SegMambaError
from SegMambaCore.inference import predict as predict_module
from SegMambaCore.inference.prediction import Prediction

from ..batch.dicom_study import write_series

FILES = {"segmentation.nii.gz", "segmentation.seg.nrrd", "report.json", "overview.png", "check.png"}


@pytest.fixture
def patients(tiny_case: dict[str, Path], tmp_path: Path) -> Path:
    """Three patients, A, B and C, with the same head and different noise."""
    for number, name in enumerate("ABC"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for role, path in tiny_case.items():
            image = sitk.ReadImage(str(path))
            image[20, 18, 17] = 150.0 + number
            sitk.WriteImage(image, str(tmp_path / "in" / name / f"{name}-{role}.nii.gz"))
    return tmp_path / "in"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The network replaced by one that finds nothing, at once; grows with each case it is given."""
    seen: list[int] = []

    def predict(network: Any, spec: Any, tensor: Any, settings: Any, **_: Any) -> Prediction:
        seen.append(id(network))
        logits = torch.full((len(spec.outputs), *tensor.shape[1:]), -10.0)
        return Prediction(logits, spec, settings.resolved("cpu"), tensor.shape[1:], (), 0.0)

    monkeypatch.setattr(predict_module, "predict", predict)
    monkeypatch.setattr(segment_case, "_write_masks_and_picture", _write_empty_files)
    return seen


def _write_empty_files(*arguments: Any) -> None:
    for name in FILES - {"report.json"}:
        (arguments[-1] / name).touch()


def _arguments(patients: Path, output: Path, model: Path, *more: str) -> list[str]:
    options = ["--output", str(output), "--model", str(model), "--device", "cpu", "--progress", "json"]
    return ["batch", str(patients), *options, *more]


def _events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _states(output: Path) -> dict[str, str]:
    return {row["case"]: row["status"] for row in read_summary(output / "summary.csv")}


def _damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


def _rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    before = sitk.ReadImage(str(path))
    image = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(before)))
    if image.GetSize() == before.GetSize():
        image.CopyInformation(before)
    sitk.WriteImage(image, str(path))


def _with_nan(array: np.ndarray) -> np.ndarray:
    array[3, 3, 3] = np.nan
    return array


def test_everybody_gets_what_segment_gives(
    patients: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert main(_arguments(patients, output, tiny_model)) == 0
    events = _events(capsys.readouterr().out)
    assert {path.name for path in output.iterdir()} - {".segmamba-batch.lock"} == {
        *"ABC",
        "summary.csv",
        "index.html",
    }
    for name in "ABC":
        assert {path.name for path in (output / name).iterdir()} == FILES
    one = ["segment", str(patients / "B"), "--output", str(tmp_path / "one")]
    assert main([*one, "--model", str(tiny_model), "--device", "cpu", "--progress", "none"]) == 0
    single, of_batch = (
        sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "segmentation.nii.gz")))
        for folder in (tmp_path / "one", output / "B")
    )
    np.testing.assert_array_equal(single, of_batch)

    (row,) = (row for row in read_summary(output / "summary.csv") if row["case"] == "B")
    report = json.loads((output / "B" / "report.json").read_text(encoding="utf-8"))
    assert float(row["WT_ml"]) == pytest.approx(np.count_nonzero(of_batch) / 1000, abs=1e-3)
    assert row["t2f_sha256"] == report["inputs"]["t2f"]["sha256"]
    assert row["model"] == "tiny" and row["status"] == "done"

    assert [event["phase"] for event in events if event["event"] == "phase"] == [
        *("find", "check", "load"),
        *("read", "segment", "write") * 3,
    ]
    turns = [(event["case"], event["status"]) for event in events if event["event"] == "patient"]
    assert turns[:3] == [(name, "waiting") for name in "ABC"]
    assert turns[3:] == [(name, status) for name in "ABC" for status in ("running", "done")]
    overall = [event for event in events if event["event"] == "batch"]
    assert (overall[0]["done"], overall[0]["total"], overall[0]["seconds_left"]) == (0, 3, None)
    assert (overall[-1]["done"], overall[-1]["seconds_left"]) == (3, 0.0)
    assert any(event["seconds_left"] for event in overall)
    assert {event["event"] for event in events[-2:]} == {"batch", "result"}
    assert events[-1]["files"] == {"summary": "summary.csv", "page": "index.html"}
    assert (events[-1]["done"], events[-1]["failed"], events[-1]["incomplete"]) == (3, 0, 0)


def test_one_network_for_all(patients: Path, tiny_model: Path, tmp_path: Path, calls: list[int]) -> None:
    assert main(_arguments(patients, tmp_path / "out", tiny_model)) == 0
    assert len(calls) == 3 and len(set(calls)) == 1


def test_the_finished_are_left_alone(
    patients: Path,
    tiny_model: Path,
    tmp_path: Path,
    calls: list[int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "out"
    assert main(_arguments(patients, output, tiny_model)) == 0
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*/*")}
    capsys.readouterr()
    with monkeypatch.context() as context:
        context.setattr(batch_run, "load_model", lambda *_: pytest.fail("nobody needs the network"))
        assert main(_arguments(patients, output, tiny_model)) == 0
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*/*")} == before
    assert _events(capsys.readouterr().out)[-1]["done"] == 3

    # Another scan, a lost picture, then other settings.
    _rewrite(patients / "B" / "B-t2w.nii.gz", lambda array: array * 2)
    (output / "C" / "overview.png").unlink()
    assert main(_arguments(patients, output, tiny_model)) == 0
    assert len(calls) == 3 + 2
    for number, more in enumerate(
        [["--mirror", "all"], ["--reference", "t2f"], ["--labels", "brats2021"], ["--no-preparation"]], 1
    ):
        assert main(_arguments(patients, output, tiny_model, *more)) == 0
        assert len(calls) == 5 + 3 * number
    other_model = tmp_path / "other.safetensors"
    shutil.copy(tiny_model, other_model)
    assert main(_arguments(patients, output, other_model, "--no-preparation")) == 0
    assert len(calls) == 17  # the same model under another name


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (Path.unlink, "incomplete", "T2 is missing"),
        (_damage, "failed", "cut short"),
        (lambda path: path.write_bytes(b"garbage " * 999), "failed", "B-t2w.nii.gz"),
        (lambda path: _rewrite(path, _with_nan), "failed", "not a number"),
        (lambda path: _rewrite(path, lambda array: array[3]), "failed", "3D"),
    ],
)
def test_one_bad_patient_does_not_stop_the_rest(
    patients: Path,
    tiny_model: Path,
    tmp_path: Path,
    calls: list[int],
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], Any],
    status: str,
    words: str,
) -> None:
    spoil(patients / "B" / "B-t2w.nii.gz")
    output = tmp_path / "out"
    assert main(_arguments(patients, output, tiny_model)) == 3
    assert _states(output) == {"A": "done", "B": status, "C": "done"}
    (row,) = (row for row in read_summary(output / "summary.csv") if row["case"] == "B")
    assert words in row["reason"] and "\n" not in row["reason"]
    assert not (output / "B").exists()
    page = (output / "index.html").read_text(encoding="utf-8")
    assert words in page and page.index(">B<") < page.index(">A<")
    out, err = capsys.readouterr()
    assert err == "" and _events(out)[-1][status] == 1


@pytest.mark.parametrize("error", [MemoryError(), ZeroDivisionError("by zero"), RuntimeError("CUDA error")])
def test_what_goes_wrong_inside_is_one_patient_s_matter(
    patients: Path,
    tiny_model: Path,
    tmp_path: Path,
    calls: list[int],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    working = predict_module.predict

    def predict(*arguments: Any, **more: Any) -> Any:
        prediction = working(*arguments, **more)
        if len(calls) == 2:
            raise error
        return prediction

    monkeypatch.setattr(predict_module, "predict", predict)
    assert main(_arguments(patients, tmp_path / "out", tiny_model)) == 3
    assert _states(tmp_path / "out") == {"A": "done", "B": "failed", "C": "done"}
    assert main(_arguments(patients, tmp_path / "out", tiny_model)) == 0  # he gets another try
    assert len(calls) == 4


def test_a_full_disk_stops_all(
    patients: Path,
    tiny_model: Path,
    tmp_path: Path,
    calls: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any) -> None:
        raise DiskFullError("The disk is full.")

    monkeypatch.setattr(segment_case, "write_report", fail)
    assert main(_arguments(patients, tmp_path / "out", tiny_model)) == 1
    assert len(calls) == 1
    assert capsys.readouterr().err == "The disk is full.\n"
    assert set(_states(tmp_path / "out").values()) == {"waiting"}


def test_a_summary_that_is_open_elsewhere_stops_nobody(
    patients: Path,
    tiny_model: Path,
    tmp_path: Path,
    calls: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As on Windows, where a spreadsheet keeps its file from being replaced."""
    real = record.write_summary

    def refuse(outcomes: list[PatientOutcome], path: Path) -> None:
        if any(outcome.status == "running" for outcome in outcomes):
            raise SegMambaError("summary.csv: cannot be written (Permission denied).")
        real(outcomes, path)

    monkeypatch.setattr(record, "write_summary", refuse)
    assert main(_arguments(patients, tmp_path / "out", tiny_model)) == 0
    assert set(_states(tmp_path / "out").values()) == {"done"}
    warnings = [e["message"] for e in _events(capsys.readouterr().out) if e["event"] == "warning"]
    assert sum("Permission denied" in message for message in warnings) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", ["read", "segment", "write"])
def test_a_cancel_keeps_the_finished(
    patients: Path,
    tiny_model: Path,
    tmp_path: Path,
    calls: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    phase: str,
) -> None:
    real = JsonBatch.phase

    def raise_signal(self: JsonBatch, name: Any) -> None:
        real(self, name)
        if name == phase and _states(tmp_path / "out")["B"] == "running":
            signal.raise_signal(number)

    with monkeypatch.context() as context:
        context.setattr(JsonBatch, "phase", raise_signal)
        assert main(_arguments(patients, tmp_path / "out", tiny_model)) == 130
    assert capsys.readouterr().err == (
        "Cancelled. 1 of 3 patients are finished; the same command goes on from there.\n"
    )
    assert _states(tmp_path / "out") == {"A": "done", "B": "waiting", "C": "waiting"}
    assert not (tmp_path / "out" / "B").exists()
    done = len(calls)
    assert main(_arguments(patients, tmp_path / "out", tiny_model)) == 0
    assert len(calls) == done + 2


def test_killed_and_gone_on_with(
    patients: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real program, killed without warning while it works on the second patient."""
    output = tmp_path / "out"
    command = [sys.executable, "-m", "SegMambaCore", *_arguments(patients, output, tiny_model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            event = json.loads(line)
            if event["event"] == "patient" and (event["case"], event["status"]) == ("B", "running"):
                run.kill()
                break
    assert _states(output) == {"A": "done", "B": "running", "C": "waiting"}
    assert {path.name for path in (output / "A").iterdir()} == FILES
    made = (output / "A" / "report.json").stat().st_mtime_ns
    (output / "B" / ".segmamba-x" / "new").mkdir(parents=True, exist_ok=True)

    assert main(_arguments(patients, output, tiny_model)) == 0
    turns = [
        event["case"]
        for event in _events(capsys.readouterr().out)
        if event["event"] == "patient" and event["status"] == "running"
    ]
    assert turns == ["C", "B"]  # the one who may have been what ended it comes last
    assert (output / "A" / "report.json").stat().st_mtime_ns == made
    for name in "ABC":
        assert {path.name for path in (output / name).iterdir()} == FILES


def test_dicom_series_become_a_case(
    tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path, calls: list[int]
) -> None:
    descriptions = {"t1n": "t1_mprage_sag", "t1c": "t1_mprage_sag_KM", "t2w": "t2_tse_tra", "t2f": "t2_flair"}
    for number, (role, path) in enumerate(tiny_case.items()):
        image = sitk.ReadImage(str(path))
        image.SetDirection(np.eye(3).ravel())
        write_series(tmp_path / "in" / "Miller" / f"S{number}", descriptions[role], number, image)
    assert main(_arguments(tmp_path / "in", tmp_path / "out", tiny_model)) == 0
    assert len(calls) == 1
    inputs = json.loads((tmp_path / "out" / "Miller" / "report.json").read_text(encoding="utf-8"))["inputs"]
    assert {role: source["series"]["description"] for role, source in inputs.items()} == descriptions
    assert main(_arguments(tmp_path / "in", tmp_path / "out", tiny_model)) == 0
    assert len(calls) == 1


def test_two_batches_in_one_folder(
    patients: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_batch_in(tmp_path / "out"):
        assert main(_arguments(patients, tmp_path / "out", tiny_model)) == 1
    assert "another batch is at work there" in capsys.readouterr().err
    assert not (tmp_path / "out" / "summary.csv").exists()


def test_the_list(patients: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (patients / "B" / "B-t1c.nii.gz").unlink()
    before = sorted(patients.rglob("*"))
    assert main(["batch", str(patients), "--list"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == ["A  complete", "B  T1Gd is missing.", "C  complete", "3 patients, 2 of them complete."]
    assert main(["batch", str(patients), "--list", "--progress", "json"]) == 0
    (event,) = (e for e in _events(capsys.readouterr().out) if e["event"] == "patients")
    assert [(p["case"], p["missing"], p["problem"]) for p in event["patients"]] == [
        ("A", [], ""),
        ("B", ["t1c"], "T1Gd is missing."),
        ("C", [], ""),
    ]
    assert event["patients"][0]["sources"]["t2f"] == str(patients / "A" / "A-t2f.nii.gz")
    assert sorted(patients.rglob("*")) == before


def test_for_people(
    patients: Path, tiny_model: Path, tmp_path: Path, calls: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    _damage(patients / "B" / "B-t2w.nii.gz")
    assert main(_arguments(patients, tmp_path / "out", tiny_model, "--progress", "bar")) == 3
    out, err = capsys.readouterr()
    assert "A: WT none found, TC none found, ET none found" in out
    assert "B: failed. T2: " in out
    assert "2 done, 1 failed, 0 incomplete." in out and "summary.csv, index.html in" in out
    assert "C ..." in err
    assert main(_arguments(patients, tmp_path / "out", tiny_model, "--progress", "none")) == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("folder", "output", "more", "words"),
    [
        ("absent", "out", [], "no such folder"),
        ("in", "in", [], "folder of the patients"),
        ("in", "out", ["--model", "absent"], "unknown"),
        ("in", "out", ["--device", "toaster"], "toaster"),
    ],
)
def test_what_stops_all(
    patients: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    folder: str,
    output: str,
    more: list[str],
    words: str,
) -> None:
    arguments = _arguments(tmp_path / folder, tmp_path / output, tiny_model, *more)
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert words in err and "Traceback" not in err
    assert _events(out)[-1] == {"event": "error", "message": err.rstrip("\n")}


@pytest.mark.parametrize(
    "arguments", [[], ["x"], ["x", "--list", "--output", "y"], ["x", "--list", "--overlap", "2"]]
)
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["batch", *arguments])
    assert caught.value.code == 2


def test_the_list_imports_nothing_heavy(patients: Path) -> None:
    code = (
        "import sys; from SegMambaCore.command.main import main\n"
        f"main(['batch', {str(patients)!r}, '--list'])\n"
        "print([m for m in ('torch', 'monai', 'matplotlib', 'numba', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
