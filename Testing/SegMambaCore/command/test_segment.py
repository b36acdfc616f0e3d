"""Four files in, four files out, or nothing."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from SegMambaCore.command import segment_case
from SegMambaCore.command.main import main
from SegMambaCore.command.progress import JsonProgress
from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference import predict as predict_module
from SegMambaCore.inference.prediction import Prediction
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.model_file.safetensors_file import write_model

from .tiny_case import SIZE

FILES = {"segmentation.nii.gz", "segmentation.seg.nrrd", "report.json", "overview.png", "check.png"}


def _arguments(files: dict[str, Path], model: Path, output: Path, *more: str) -> list[str]:
    inputs = [argument for role, path in files.items() for argument in (f"--{role}", str(path))]
    return ["segment", *inputs, "--model", str(model), "--output", str(output), "--device", "cpu", *more]


def _events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tumor, at once: for what has nothing to do with the network."""

    def predict(_network: Any, spec: Any, tensor: Any, settings: Any, **_: Any) -> Prediction:
        logits = torch.full((len(spec.outputs), *tensor.shape[1:]), -10.0)
        return Prediction(logits, spec, settings.resolved("cpu"), tensor.shape[1:], (), 0.0)

    monkeypatch.setattr(predict_module, "predict", predict)


@pytest.fixture
def files(tiny_case: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """A copy of the tiny case that a test may spoil."""
    folder = tmp_path / "case"
    folder.mkdir()
    return {role: Path(shutil.copy(path, folder)) for role, path in tiny_case.items()}


def test_four_files_come_out(
    tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "made" / "for it"
    assert main(_arguments(tiny_case, tiny_model, output, "--progress", "json", "--labels", "brats2021")) == 0
    out, err = capsys.readouterr()
    assert {path.name for path in output.iterdir()} == FILES
    assert err == ""

    events = _events(out)
    assert [event["phase"] for event in events if event["event"] == "phase"] == list(
        ("read", "inspect", "prepare", "load", "segment", "write")
    )
    progress = [event for event in events if event["event"] == "progress"]
    assert progress[-1]["done"] == progress[-1]["total"] == 100
    result = events[-1]
    assert result["event"] == "result"
    assert set(result["files"].values()) == FILES
    assert Path(result["output"]) == output

    labels = sitk.ReadImage(str(output / "segmentation.nii.gz"))
    reference = sitk.ReadImage(str(tiny_case["t1c"]))
    assert labels.GetSize() == SIZE
    np.testing.assert_allclose(labels.GetDirection(), reference.GetDirection(), atol=1e-6)
    np.testing.assert_allclose(labels.GetOrigin(), reference.GetOrigin(), atol=1e-4)
    array = sitk.GetArrayFromImage(labels)
    assert set(np.unique(array)) <= {0, 1, 2, 4}
    assert result["volumes_ml"]["ET"] == pytest.approx(np.count_nonzero(array == 4) / 1000, abs=1e-3)

    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert report["settings"]["used"]["mode"] == "onepass"
    assert report["settings"]["asked"]["mode"] == "auto"
    assert set(report["seconds"]) == {"read", "inspect", "prepare", "load", "segment", "write"}
    assert report["model"]["name"] == "tiny"


def test_a_folder_in_place_of_the_files(
    tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_files, by_folder = tmp_path / "files", tmp_path / "folder"
    common = ["--model", str(tiny_model), "--device", "cpu", "--progress", "none"]
    assert main(_arguments(tiny_case, tiny_model, by_files, "--progress", "none")) == 0
    assert main(["segment", str(tiny_case["t1n"].parent), "--output", str(by_folder), *common]) == 0
    assert capsys.readouterr() == ("", "")
    one, other = (sitk.ReadImage(str(folder / "segmentation.nii.gz")) for folder in (by_files, by_folder))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(one), sitk.GetArrayFromImage(other))


@pytest.mark.parametrize("by", ["files", "folder"])
def test_two_contrasts_are_segmented_and_the_report_says_which_are_missing(
    tiny_case: dict[str, Path],
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    by: str,
) -> None:
    given = {role: tiny_case[role] for role in ("t1n", "t2f")}
    if by == "folder":
        (tmp_path / "case").mkdir()
        for path in given.values():
            (tmp_path / "case" / path.name).write_bytes(path.read_bytes())
        inputs = [str(tmp_path / "case")]
    else:
        inputs = [word for role, path in given.items() for word in (f"--{role}", str(path))]
    output = tmp_path / "out"
    common = ["--output", str(output), "--model", str(tiny_model), "--device", "cpu", "--progress", "json"]
    assert main(["segment", *inputs, *common]) == 0
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert report["missing"] == {"roles": ["t1c", "t2w"], "trained_for": False, "held_out_dice": None}
    assert set(report["inputs"]) == set(given) and report["reference"] == "t1n"
    warning = "T1Gd and T2 are missing, and the model was not trained for that: do not rely on the result."
    assert any(sentence.startswith(warning) for sentence in report["warnings"])
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(event["event"] == "warning" and warning in event["message"] for event in events)
    assert {path.name for path in output.iterdir()} == FILES


def test_a_repeated_run_replaces_the_results_and_nothing_else(
    tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "report.json").write_text("old", encoding="utf-8")
    assert (
        main(_arguments(tiny_case, tiny_model, tmp_path, "--mode", "windows", "--mirror", "leftright")) == 0
    )
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"notes.txt"}
    used = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["settings"]["used"]
    assert (used["mode"], used["mirror"]) == ("windows", "leftright")
    out, err = capsys.readouterr()
    assert "Whole tumor (WT):" in out and "report.json" in out
    assert "Reading volumes" in err


def test_out_of_memory_goes_down_the_ladder_and_says_so(
    tiny_case: dict[str, Path],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails_in_one_pass(_network: Any, spec: Any, tensor: Any, plan: Any, *_: Any) -> torch.Tensor:
        if plan.settings.mode == "onepass":
            raise MemoryError
        return torch.zeros((len(spec.outputs), *tensor.shape[1:]))

    monkeypatch.setattr(predict_module, "blended_logits", fails_in_one_pass)
    assert main(_arguments(tiny_case, tiny_model, tmp_path / "out", "--progress", "json")) == 0
    warnings = [event["message"] for event in _events(capsys.readouterr().out) if event["event"] == "warning"]
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["fallbacks"] == [text for text in warnings if "Memory ran out" in text]
    assert len(report["fallbacks"]) == 1
    assert report["settings"]["used"]["mode"] == "windows"


# What users do wrong. Each spoils the copied case or the arguments, and names what the message must hold.


def _absent(files: dict[str, Path]) -> None:
    files["t2w"].unlink()


def _garbage(files: dict[str, Path]) -> None:
    files["t2w"].write_bytes(b"garbage " * 1000)


def _empty(files: dict[str, Path]) -> None:
    files["t2w"].write_bytes(b"")


def _truncated(files: dict[str, Path]) -> None:
    files["t2w"].write_bytes(files["t2w"].read_bytes()[:-5000])


def _rewrite(path: Path, array: np.ndarray) -> None:
    image = sitk.GetImageFromArray(array.astype(np.float32))
    if array.ndim == 3:
        image.CopyInformation(sitk.ReadImage(str(path)))
    sitk.WriteImage(image, str(path))


def _nan(files: dict[str, Path]) -> None:
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(files["t2w"])))
    array[17, 18, 20] = np.nan
    _rewrite(files["t2w"], array)


def _zero(files: dict[str, Path]) -> None:
    _rewrite(files["t2w"], np.zeros(SIZE[::-1]))


def _constant(files: dict[str, Path]) -> None:
    _rewrite(files["t2w"], np.full(SIZE[::-1], 7))


def _two_dimensional(files: dict[str, Path]) -> None:
    _rewrite(files["t2w"], np.random.default_rng(0).normal(size=SIZE[:2]))


def _elsewhere(files: dict[str, Path]) -> None:
    image = sitk.ReadImage(str(files["t2w"]))
    image.SetOrigin((500.0, 500.0, 500.0))
    sitk.WriteImage(image, str(files["t2w"]))


def _same_path(files: dict[str, Path]) -> None:
    files["t2w"] = files["t1n"]


def _same_content(files: dict[str, Path]) -> None:
    shutil.copy(files["t1n"], files["t2w"])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_absent, ["T2", "t2w.nii.gz", "no such file"]),
        (_garbage, ["T2", "t2w.nii.gz"]),
        (_empty, ["T2", "t2w.nii.gz"]),
        (_truncated, ["T2", "t2w.nii.gz"]),
        (_nan, ["T2", "t2w.nii.gz"]),
        (_zero, ["T2", "t2w.nii.gz"]),
        (_constant, ["T2", "t2w.nii.gz"]),
        (_two_dimensional, ["T2", "t2w.nii.gz", "3D"]),
        (_elsewhere, ["T2", "t2w.nii.gz", "cannot be laid onto T1Gd"]),
        (_same_path, ["T1", "T2", "same"]),
        (_same_content, ["T1", "T2", "same"]),
    ],
)
def test_wrong_volumes(
    files: dict[str, Path],
    tiny_model: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    spoil: Any,
    words: list[str],
) -> None:
    spoil(files)
    _assert_refused(_arguments(files, tiny_model, tmp_path / "out"), tmp_path / "out", capfd, words)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--model", "no-such-model"], ["no-such-model", "unknown", "tiny"]),
        (["--model", "absent.safetensors"], ["absent.safetensors", "no such file"]),
        (["--model", "WRONG"], ["wrong.safetensors", "not the weights of network small"]),
        (["--model", "GARBAGE"], ["garbage.safetensors", "not a safetensors file"]),
        (["--model", "PYTORCH"], ["weights.pth", "import-weights"]),
        (["--device", "toaster"], ["toaster", "unknown"]),
    ],
)
def test_wrong_choices(
    tiny_case: dict[str, Path],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    more: list[str],
    words: list[str],
) -> None:
    monkeypatch.setenv("SEGMAMBA_MODELS", str(tiny_model.parent))
    wrong = tmp_path / "wrong.safetensors"
    write_model(torch.nn.Linear(2, 2), read_spec(tiny_model), wrong)
    (tmp_path / "garbage.safetensors").write_bytes(b"garbage" * 10)
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pth")
    places = {
        "WRONG": str(wrong),
        "GARBAGE": str(tmp_path / "garbage.safetensors"),
        "PYTORCH": str(tmp_path / "weights.pth"),
    }
    arguments = _arguments(
        tiny_case, tiny_model, tmp_path / "out", *(places.get(text, text) for text in more)
    )
    _assert_refused(arguments, tmp_path / "out", capfd, words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")
def test_cuda_where_there_is_none(
    tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = _arguments(tiny_case, tiny_model, tmp_path / "out", "--device", "cuda")
    _assert_refused(arguments, tmp_path / "out", capfd, ["cuda", "--device cpu"])


def test_a_file_for_the_output(
    tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    output.write_text("mine", encoding="utf-8")
    assert main(_arguments(tiny_case, tiny_model, output)) == 1
    assert "is a file" in capfd.readouterr().err
    assert output.read_text(encoding="utf-8") == "mine"


def test_an_incomplete_folder(tmp_path: Path, tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "case").mkdir()
    arguments = [
        "segment",
        str(tmp_path / "case"),
        "--model",
        str(tiny_model),
        "--output",
        str(tmp_path / "out"),
    ]
    _assert_refused(arguments, tmp_path / "out", capfd, ["T2-FLAIR", "none"])


def test_a_folder_of_patients(
    tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_case["t1n"].parent.parent
    arguments = ["segment", str(folder), "--model", str(tiny_model), "--output", str(tmp_path / "out")]
    _assert_refused(arguments, tmp_path / "out", capfd, ["For a folder of patients there is `batch`"])


def test_an_unknown_device_is_told_before_anything_is_read(
    tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for device in ("toaster", "cuda:", "cpu:0", "cuda:x"):
        assert main(_arguments(tiny_case, tiny_model, tmp_path / "out", "--device", device)) == 1
        said = capfd.readouterr().err
        assert f"Device {device!r} is unknown" in said and "Reading" not in said


def _assert_refused(
    arguments: list[str], output: Path, capfd: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """With every kind of progress: one to three lines on standard error, exit code 1, and no file."""
    before = sorted(output.parent.rglob("*"))
    for progress in ("none", "json"):
        assert main([*arguments, "--progress", progress]) == 1
        out, err = capfd.readouterr()
        assert 1 <= len(err.splitlines()) <= 3, err
        for word in words:
            assert word in err
        assert "Traceback" not in err
        assert sorted(output.parent.rglob("*")) == before
        if progress == "json":
            assert _events(out)[-1] == {"event": "error", "message": err.rstrip("\n")}


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("small_disk", ["64k"], indirect=True)
def test_a_full_disk(
    tiny_case: dict[str, Path], tiny_model: Path, small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _assert_refused(
        _arguments(tiny_case, tiny_model, small_disk / "out"),
        small_disk / "out",
        capfd,
        [f"Output {small_disk / 'out'}: the disk is full"],
    )


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("writer", ["write_label_map", "write_seg_nrrd", "write_report"])
def test_a_writer_that_fails_leaves_nothing(
    tiny_case: dict[str, Path],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    writer: str,
) -> None:
    def fail(*_: object) -> None:
        raise SegMambaError("The disk is full.")

    monkeypatch.setattr(segment_case, writer, fail)
    _assert_refused(
        _arguments(tiny_case, tiny_model, tmp_path / "out"), tmp_path / "out", capfd, ["disk is full"]
    )


@pytest.mark.parametrize(
    ("number", "phase"),
    [
        (signal.SIGINT, "read"),
        (signal.SIGTERM, "load"),
        (signal.SIGINT, "segment"),
        (signal.SIGTERM, "segment"),
        (signal.SIGTERM, "write"),
    ],
)
def test_a_signal_stops_the_run_and_leaves_nothing(
    tiny_case: dict[str, Path],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    number: int,
    phase: str,
) -> None:
    real = JsonProgress.phase

    def raise_signal(self: JsonProgress, name: Any) -> None:
        real(self, name)
        if name == phase:
            signal.raise_signal(number)

    monkeypatch.setattr(JsonProgress, "phase", raise_signal)
    handler = signal.getsignal(number)
    assert main(_arguments(tiny_case, tiny_model, tmp_path / "out", "--progress", "json")) == 130
    out, err = capfd.readouterr()
    assert not any(event["event"] in ("result", "error") for event in _events(out))
    assert err == "Cancelled. Nothing was written.\n"
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) is handler


@pytest.mark.usefixtures("no_network")
def test_an_error_of_the_program_s_own_reaches_the_panel(
    tiny_case: dict[str, Path],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(segment_case, "restore_masks", fail)
    with pytest.raises(ZeroDivisionError):
        main(_arguments(tiny_case, tiny_model, tmp_path / "out", "--progress", "json"))
    event = _events(capsys.readouterr().out)[-1]
    assert event["event"] == "error" and "ZeroDivisionError" in event["message"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_as_a_program(tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "SegMambaCore"]
    arguments = _arguments(tiny_case, tiny_model, tmp_path / "out", "--progress", "json")
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert _events(done.stdout)[-1]["event"] == "result"
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a program without asking it")
def test_a_program_that_is_ended(tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "SegMambaCore"]
    arguments = _arguments(tiny_case, tiny_model, tmp_path / "out", "--progress", "json")
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None and run.stderr is not None
        assert json.loads(run.stdout.readline())["phase"] == "read"
        run.terminate()
        assert run.wait(timeout=60) == 130
        assert run.stderr.read() == "Cancelled. Nothing was written.\n"
    assert list(tmp_path.iterdir()) == []
