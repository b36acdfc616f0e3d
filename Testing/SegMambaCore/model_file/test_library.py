"""Models are found by name and path, shipped ones only undamaged."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file import library
from SegMambaCore.model_file.library import find_model, list_models, user_folder
from SegMambaCore.model_file.safetensors_file import read_model, write_model
from SegMambaCore.network.build import build_network

from .test_safetensors_file import SPEC


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    shipped, own = tmp_path / "weights", tmp_path / "own"
    shipped.mkdir()
    own.mkdir()
    monkeypatch.setattr(library, "SHIPPED_FOLDER", shipped)
    monkeypatch.setenv("SEGMAMBA_MODELS", str(own))
    return shipped, own


def _write(folder: Path, name: str) -> Path:
    path = folder / f"{name}.safetensors"
    write_model(torch.nn.Linear(2, 2), replace(SPEC, name=name), path)
    return path


def _write_checksums(folder: Path, mark: str = " ") -> None:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()} {mark}{path.name}\n"
        for path in folder.glob("*.safetensors")
    ]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize("mark", [" ", "*"])
def test_shipped_ones_come_first(folders: tuple[Path, Path], mark: str) -> None:
    shipped, own = folders
    _write(shipped, "zeta")
    _write(own, "alpha")
    _write_checksums(shipped, mark)
    assert [(entry.name, entry.shipped, entry.problem) for entry in list_models()] == [
        ("zeta", True, ""),
        ("alpha", False, ""),
    ]
    assert find_model(None).stem == "zeta"
    assert find_model("alpha") == own / "alpha.safetensors"


def test_a_shipped_file_must_match_its_checksum(folders: tuple[Path, Path]) -> None:
    shipped, _ = folders
    path = _write(shipped, "small")
    with pytest.raises(SegMambaError, match="not in the list"):
        find_model("small")
    _write_checksums(shipped)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SegMambaError, match="Install SegMamba again"):
        find_model(None)
    assert "checksum" in list_models()[0].problem


def test_a_broken_file_of_the_user_does_not_hide_the_others(folders: tuple[Path, Path]) -> None:
    _, own = folders
    (own / "broken.safetensors").write_bytes(b"garbage")
    _write(own, "good")
    broken, good = list_models()
    assert broken.spec is None and "not a safetensors file" in broken.problem
    assert good.spec is not None and good.spec.name == "good"
    assert find_model("good").stem == "good"


def test_an_unknown_name_lists_the_known(folders: tuple[Path, Path]) -> None:
    _, own = folders
    _write(own, "alpha")
    _write(own, "beta")
    with pytest.raises(SegMambaError, match=r"'gamma' is unknown\. There are: alpha, beta"):
        find_model("gamma")


def test_nothing_installed(folders: tuple[Path, Path]) -> None:
    with pytest.raises(SegMambaError, match="No model is installed"):
        find_model(None)


@pytest.mark.parametrize("name", ["absent.safetensors", "folder/absent", "absent.pth"])
def test_an_absent_path(folders: tuple[Path, Path], name: str) -> None:
    with pytest.raises(SegMambaError, match="no such file"):
        find_model(name)


def test_a_pytorch_file_gets_the_way_to_convert_it(folders: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(SegMambaError, match="import-weights"):
        read_model(find_model(str(path)))


def test_loading_by_name(folders: tuple[Path, Path]) -> None:
    _, own = folders
    write_model(build_network("small", 4, 3), SPEC, own / "mine.safetensors")
    network, spec = read_model(find_model("mine"))
    assert spec == SPEC
    assert not network.training


def test_a_name_with_dots_is_a_name(folders: tuple[Path, Path]) -> None:
    _, own = folders
    write_model(build_network("small", 4, 3), SPEC, own / "epoch599_0.8295.safetensors")
    assert find_model("epoch599_0.8295") == own / "epoch599_0.8295.safetensors"


@pytest.mark.parametrize(
    ("platform", "variable", "inside"),
    [
        ("win32", "LOCALAPPDATA", ""),
        ("linux", "XDG_DATA_HOME", ""),
        ("darwin", "HOME", "Library/Application Support"),
    ],
)
def test_the_user_s_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, variable: str, inside: str
) -> None:
    monkeypatch.delenv("SEGMAMBA_MODELS", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert user_folder() == tmp_path / inside / "SegMamba" / "models"
