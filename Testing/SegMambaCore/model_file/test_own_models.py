"""Own models: only sound files come in, nothing is overwritten, what is shipped stays."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file import library
from SegMambaCore.model_file.library import find_model, list_models
from SegMambaCore.model_file.own_models import add_model, free_name, remove_model
from SegMambaCore.model_file.safetensors_file import read_model, write_model
from SegMambaCore.network.build import build_network

from .test_safetensors_file import SPEC


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own, not made yet; one shipped model named "boxed"."""
    shipped, own = tmp_path / "weights", tmp_path / "data" / "own"
    shipped.mkdir()
    monkeypatch.setattr(library, "SHIPPED_FOLDER", shipped)
    monkeypatch.setenv("SEGMAMBA_MODELS", str(own))
    boxed = _write(shipped, "boxed")
    digest = hashlib.sha256(boxed.read_bytes()).hexdigest()
    (shipped / "SHA256SUMS").write_text(f"{digest}  boxed.safetensors\n", encoding="utf-8")
    return own


def _write(folder: Path, name: str) -> Path:
    path = folder / f"{name}.safetensors"
    write_model(torch.nn.Linear(2, 2), replace(SPEC, name=name), path)
    return path


def test_a_model_is_copied_and_usable(own: Path, tmp_path: Path) -> None:
    write_model(build_network("small", 4, 3), SPEC, tmp_path / "colleague.safetensors")
    entry = add_model(tmp_path / "colleague.safetensors")
    assert (entry.name, entry.shipped, entry.spec) == ("colleague", False, SPEC)
    (tmp_path / "colleague.safetensors").unlink()
    assert read_model(find_model("colleague"))[1] == SPEC
    assert [path.name for path in own.iterdir()] == ["colleague.safetensors"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:-3], "truncated"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "checksum does not match"),
        (lambda data: b"garbage", "not a safetensors file"),
        (lambda data: data.replace(b"zscore_brain", b"zscore_chest"), "cannot be understood"),
    ],
)
def test_a_damaged_file_does_not_come_in(own: Path, tmp_path: Path, damage: object, reason: str) -> None:
    path = _write(tmp_path, "sick")
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(SegMambaError, match=reason):
        add_model(path)
    assert not own.exists()


@pytest.mark.parametrize("taken", ["boxed", "mine", "MINE"])
def test_a_name_that_is_taken_is_not_overwritten(own: Path, tmp_path: Path, taken: str) -> None:
    add_model(_write(tmp_path, "mine"))
    before = (own / "mine.safetensors").read_bytes()
    with pytest.raises(SegMambaError, match=f"named {taken} already. Give another name, such as {taken}-2"):
        add_model(_write(tmp_path, "other"), taken)
    assert (own / "mine.safetensors").read_bytes() == before
    assert add_model(tmp_path / "other.safetensors", free_name(taken)).name == f"{taken}-2"
    assert free_name(taken) == f"{taken}-3"


@pytest.mark.parametrize("name", ["../outside", "a/b", ".hidden", "-x", "my model", "müller"])
def test_a_name_is_a_name_for_a_file_everywhere(own: Path, tmp_path: Path, name: str) -> None:
    path = _write(tmp_path, "good")
    with pytest.raises(SegMambaError, match="use letters, digits"):
        add_model(path, name)
    assert add_model(path, free_name(name)).path.parent == own


def test_a_full_disk_leaves_nothing(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path, "good")

    def fail(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(SegMambaError, match="disk is full"):
        add_model(path)
    assert list(own.iterdir()) == []


def test_a_file_in_the_making_is_no_model(own: Path) -> None:
    own.mkdir(parents=True)
    (own / ".123.good.safetensors").write_bytes(b"half")
    assert [entry.name for entry in list_models()] == ["boxed"]


def test_own_models_can_be_removed_and_no_others(own: Path, tmp_path: Path) -> None:
    path = add_model(_write(tmp_path, "mine")).path
    with pytest.raises(SegMambaError, match="boxed is part of SegMamba"):
        remove_model("boxed")
    with pytest.raises(SegMambaError, match="no model named their"):
        remove_model("their")
    assert remove_model("mine") == path
    assert [entry.name for entry in list_models()] == ["boxed"]


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, SegMambaCore.model_file.own_models, SegMambaCore.model_file.figures\n"
        "print([m for m in ('torch', 'safetensors', 'monai', 'SimpleITK') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
