"""Arguments, exit codes, and the small commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from SegMambaCore import __version__
from SegMambaCore.case.find import find_case_files
from SegMambaCore.command.main import main
from SegMambaCore.model_file import import_weights as import_module
from SegMambaCore.model_file import library
from SegMambaCore.model_file.library import list_models
from SegMambaCore.network.build import build_network

from .tiny_case import write_tiny_model


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setattr(library, "SHIPPED_FOLDER", tmp_path / "weights")
    monkeypatch.setenv("SEGMAMBA_MODELS", str(folder))
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["segment"],
        ["segment", "case"],
        ["segment", "--output", "out"],
        ["segment", "--t1n", "a", "--output", "out"],
        ["segment", "case", "--t1n", "a", "--output", "out"],
        ["segment", "case", "--output", "out", "--overlap", "1"],
        ["segment", "case", "--output", "out", "--overlap", "half"],
        ["segment", "case", "--output", "out", "--mirror", "up"],
        ["segment", "case", "--output", "out", "--mode", "quick"],
        ["segment", "case", "--output", "out", "--reference", "t3"],
        ["segment", "case", "--output", "out", "--labels", "brats2024"],
        ["segment", "case", "--output", "out", "--progress", "loud"],
        ["sample"],
        ["import-weights"],
        ["import-weights", __file__, "--output", "weights.pth"],
        ["import-weights", __file__, "--network", "small"],
        ["import-weights", __file__, "--name", "x", "--output", "x.safetensors"],
        ["models", "frobnicate"],
        ["models", "add"],
        ["frobnicate"],
    ],
)
def test_wrong_arguments_cost_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 3
    assert lines[-1].startswith("All options: python -m SegMambaCore")


@pytest.mark.parametrize("arguments", [["--help"], ["segment", "--help"], ["--version"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert capsys.readouterr().out


def test_arguments_are_answered_before_anything_heavy_is_imported() -> None:
    code = (
        "import sys; from SegMambaCore.command.main import main\n"
        "try: main(['segment', 'no-such-folder', '--output', 'out'])\n"
        "finally: print([m for m in ('torch', 'monai', 'matplotlib', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "no-such-folder" in done.stderr


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "SegMambaCore", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == __version__


def test_models_lists_names_and_problems(own_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_models.mkdir()
    write_tiny_model(own_models / "good.safetensors")
    (own_models / "bad.safetensors").write_bytes(b"garbage")
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "good (yours, network small" in out
    assert "gives WT, TC, ET from t1n, t1c, t2w, t2f at 1 x 1 x 1 mm" in out
    assert "bad (yours): of no use." in out and "not a safetensors file" in out
    assert str(own_models) in out


def test_imported_weights_are_among_the_models(
    own_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # `small` has the names of `tom`; the spec says "tom", which the tensors then do not fit.
    monkeypatch.setattr(import_module, "build_network", lambda name: build_network("small"))
    torch.save(build_network("small").state_dict(), tmp_path / "public.pth")
    assert main(["import-weights", str(tmp_path / "public.pth")]) == 0
    assert "--model public" in capsys.readouterr().out
    (entry,) = list_models()
    assert entry.name == "public" and entry.spec is not None and entry.spec.network == "tom"
    assert (
        main(["import-weights", str(tmp_path / "public.pth"), "--output", str(tmp_path / "x.safetensors")])
        == 0
    )
    assert (tmp_path / "x.safetensors").is_file()
    assert main(["import-weights", str(tmp_path / "public.pth")]) == 1
    assert "named public already" in capsys.readouterr().err
    assert main(["import-weights", str(tmp_path / "public.pth"), "--name", "second"]) == 0
    assert [entry.spec.name for entry in list_models() if entry.spec] == ["public", "second"]


def test_a_model_is_added_and_removed(
    own_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_tiny_model(tmp_path / "tiny.safetensors")
    assert main(["models", "add", str(path), "--name", "mine"]) == 0
    out = capsys.readouterr().out
    assert "mine (yours, network small, 15.3 MB, checksum right)" in out and "--model mine" in out
    assert main(["models", "add", str(path), "--name", "mine"]) == 1
    assert "mine already" in capsys.readouterr().err
    assert main(["models", "remove", "mine"]) == 0
    assert main(["models", "remove", "mine"]) == 1
    assert "no model named mine" in capsys.readouterr().err
    assert list(own_models.iterdir()) == []


def test_the_shipped_model_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    for fact in (
        "(shipped, network",
        "checksum right)",
        "license: ",
        "held-out run of the recipe",
        "Dice WT",
    ):
        assert fact in out


@pytest.mark.parametrize("content", [None, b"garbage", b""])
def test_what_cannot_be_imported_leaves_nothing(
    own_models: Path, tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "weights.pth").write_bytes(content)
    assert main(["import-weights", str(tmp_path / "weights.pth")]) == 1
    out, err = capsys.readouterr()
    assert out == "" and "weights.pth" in err and 1 <= len(err.splitlines()) <= 3
    assert not own_models.exists()


@pytest.mark.slow
def test_sample_is_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(tmp_path / "sample")]) == 0
    assert len(find_case_files(tmp_path / "sample")) == 4
    assert "segment" in capsys.readouterr().out


def test_sample_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert main(["sample", str(tmp_path / "file")]) == 1
    assert "is a file" in capsys.readouterr().err


def test_a_name_that_the_console_cannot_show(tmp_path: Path) -> None:
    (tmp_path / "脳.safetensors").write_bytes(b"garbage")
    environment = dict(os.environ) | {"PYTHONIOENCODING": "ascii:strict", "SEGMAMBA_MODELS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "SegMambaCore", "models"], capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u8133" in done.stdout
