"""Compiled kernels: kept between processes, never trusted when damaged, never needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from SegMambaCore.gpu import kernel_cache
from SegMambaCore.gpu.kernel_cache import kept

KEY = ["13.0 2.11.0", "--gpu-architecture=sm_90a", "-DIO=1", "source"]


class Compiler:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return b"image %d" % self.calls


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kernel_cache, "kernel_folder", lambda: tmp_path / "kernels")
    return tmp_path / "kernels"


def test_the_second_process_compiles_nothing(folder: Path) -> None:
    compiler = Compiler()
    assert kept(compiler, KEY) == kept(compiler, KEY) == b"image 1"
    assert len(list(folder.iterdir())) == 1, "and no temporary file is left"


@pytest.mark.parametrize("place", range(len(KEY)))
def test_another_source_option_or_compiler_is_another_kernel(folder: Path, place: int) -> None:
    compiler = Compiler()
    kept(compiler, KEY)
    changed = [*KEY[:place], KEY[place] + "x", *KEY[place + 1 :]]
    assert kept(compiler, changed) == b"image 2"
    assert kept(compiler, KEY) == b"image 1"


def test_parts_of_the_key_do_not_run_together(folder: Path) -> None:
    compiler = Compiler()
    assert kept(compiler, ["ab", "c"]) != kept(compiler, ["a", "bc"])


@pytest.mark.parametrize("damage", [b"", b"short", None], ids=["empty", "cut", "a bit"])
def test_a_damaged_file_is_compiled_anew(folder: Path, damage: bytes | None) -> None:
    compiler = Compiler()
    kept(compiler, KEY)
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content) if damage is None else damage)
    assert kept(compiler, KEY) == b"image 2"
    assert kept(compiler, KEY) == b"image 2", "the good one has taken its place"


def test_a_folder_that_cannot_be_made_costs_only_the_time(folder: Path) -> None:
    folder.write_text("a file is in the way")
    compiler = Compiler()
    assert kept(compiler, KEY) == b"image 1"
    assert kept(compiler, KEY) == b"image 2"
