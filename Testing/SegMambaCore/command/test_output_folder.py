"""All files arrive, or the folder is as it was."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.command.output_folder import all_or_nothing, check_output_folder, remove_leftovers
from SegMambaCore.errors import CancelledError, SegMambaError
from SegMambaCore.volume.volume import Volume
from SegMambaCore.volume.write import write_volume


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_files_move_in_and_replace_older_ones(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old", encoding="utf-8")
    (tmp_path / "other.txt").write_text("mine", encoding="utf-8")
    with all_or_nothing(tmp_path) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
        (folder / "b.txt").write_text("new", encoding="utf-8")
    assert _contents(tmp_path) == {"a.txt": "new", "b.txt": "new", "other.txt": "mine"}


def test_missing_folders_are_made(tmp_path: Path) -> None:
    target = tmp_path / "x" / "y"
    check_output_folder(target)
    assert not (tmp_path / "x").exists()
    with all_or_nothing(target) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
    assert _contents(target) == {"a.txt": "new"}


@pytest.mark.parametrize("error", [CancelledError(), SegMambaError("no"), KeyboardInterrupt(), ValueError()])
def test_an_error_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "x" / "y"
    with pytest.raises(type(error)), all_or_nothing(target) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_a_folder_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old", encoding="utf-8")
    with pytest.raises(CancelledError), all_or_nothing(tmp_path) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
        raise CancelledError
    assert _contents(tmp_path) == {"a.txt": "old"}


def test_a_failing_move_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, when another program holds one of the older files open."""
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    replace = os.replace

    def refuse_c(source: Path, target: Path) -> None:
        if Path(source) == tmp_path / "c.txt":
            raise PermissionError(errno.EACCES, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_c)
    with pytest.raises(SegMambaError, match="Access is denied"), all_or_nothing(tmp_path) as folder:
        for name in ("a.txt", "b.txt", "c.txt"):
            (folder / name).write_text("new", encoding="utf-8")
    assert _contents(tmp_path) == {"a.txt": "old", "b.txt": "old", "c.txt": "old"}


def test_a_folder_in_the_place_of_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "b.txt" / "precious").mkdir(parents=True)
    with pytest.raises(SegMambaError, match=r"b\.txt is a folder"), all_or_nothing(tmp_path) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
        (folder / "b.txt").write_text("new", encoding="utf-8")
    assert (tmp_path / "b.txt" / "precious").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


@pytest.mark.parametrize("inside", ["", "sub", "sub/deeper"])
def test_a_file_is_no_folder(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "results"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(SegMambaError, match="is a file"):
        check_output_folder(file / inside)
    assert _contents(tmp_path) == {"results": "mine"}


def test_refused_by_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, as no permission stops the administrator that tests may run as."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(SegMambaError, match="Permission denied"):
        check_output_folder(tmp_path / "new")


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="no /proc")
def test_a_file_system_that_takes_no_files() -> None:
    with pytest.raises(SegMambaError, match="cannot be written to"):
        check_output_folder(Path("/proc/segmamba"))


@pytest.mark.parametrize("number", [errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)])
def test_a_full_disk_is_called_so(tmp_path: Path, number: int) -> None:
    with pytest.raises(SegMambaError, match="disk is full"), all_or_nothing(tmp_path / "new"):
        raise OSError(number, os.strerror(number))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("small_disk", ["256k"], indirect=True)
def test_a_disk_too_small_for_a_volume_is_named_by_the_output(small_disk: Path) -> None:
    labels = Volume(np.zeros((100, 100, 100), np.uint8), np.eye(4))
    message = re.escape(f"Output {small_disk / 'out'}: the disk is full")
    with pytest.raises(SegMambaError, match=f"^{message}"), all_or_nothing(small_disk / "out") as folder:
        write_volume(labels, folder / "segmentation.nii.gz")
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("small_disk", ["256k"], indirect=True)
def test_a_really_full_disk(small_disk: Path) -> None:
    with pytest.raises(SegMambaError, match="disk is full"), all_or_nothing(small_disk / "out") as folder:
        (folder / "a.bin").write_bytes(bytes(100_000))
        (folder / "b.bin").write_bytes(bytes(400_000))
    assert list(small_disk.iterdir()) == []


def test_the_seal_goes_first_and_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After every single move, a folder with the seal holds files of one generation only."""
    for name in ("a.txt", "report.txt", "z.txt"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    seen: list[dict[str, str]] = []
    replace = os.replace

    def watch(source: Path, target: Path) -> None:
        replace(source, target)
        seen.append({path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.txt")})

    monkeypatch.setattr(os, "replace", watch)
    with all_or_nothing(tmp_path, seal="report.txt") as folder:
        for name in ("a.txt", "report.txt", "z.txt"):
            (folder / name).write_text("new", encoding="utf-8")
    assert len(seen) == 6
    for contents in seen:
        assert "report.txt" not in contents or (set(contents.values()) == {"new"} and len(contents) == 3)


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".segmamba-abc" / "new").mkdir(parents=True)
    (tmp_path / ".segmamba-abc" / "new" / "a.txt").write_text("half", encoding="utf-8")
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    remove_leftovers(tmp_path / "absent")
