"""A folder of wheels is followed as pip would follow it, and what is missing comes with the way to get it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packaging.tags import Tag, cpython_tags
from SegMambaLib.packages.torchBuild import TorchBuild
from SegMambaLib.packages.wheelFolder import checkWheelFolder, downloadCommand
from throwaway import makeWheel

GENERAL = TorchBuild("cpu", "PyTorch", "")


def test_requirements_of_requirements_extras_and_markers(tmp_path: Path) -> None:
    makeWheel(tmp_path, "top", "1.0", requires=["middle[fast]>=1", 'windows-only; sys_platform == "no-such"'])
    makeWheel(tmp_path, "middle", "1.0", requires=["quick>=2; extra == 'fast'", "slow; extra == 'slow'"])
    makeWheel(tmp_path, "middle", "0.5", requires=["never"])
    found = checkWheelFolder(tmp_path, ["top>=1"], {})
    assert found.missing == ("quick>=2",)
    makeWheel(tmp_path, "quick", "2.1", files={"quick/" + "deep/" * 20 + "file.py": ""})
    found = checkWheelFolder(tmp_path, ["top>=1"], {})
    assert found.missing == ()
    assert found.longest == len("quick/") + 100 + len("file.py")


def test_what_is_there_is_not_looked_for(tmp_path: Path) -> None:
    makeWheel(tmp_path, "top", "1.0", requires=["Numpy>=1", "Other_Package"])
    assert checkWheelFolder(tmp_path, ["top"], {"numpy": "2.0", "other-package": "1"}).missing == ()
    assert checkWheelFolder(tmp_path, ["top"], {"numpy": "2.0"}).missing == ("Other_Package",)


def test_wheels_for_another_python_are_named(tmp_path: Path) -> None:
    name = makeWheel(tmp_path, "torch", "2.6", tag="cp39-cp39-win_amd64").name
    found = checkWheelFolder(tmp_path, ["torch>=2.4"], {})
    assert (found.missing, found.unfit) == (("torch>=2.4",), (name,))
    slicer = [Tag("cp39", "cp39", "win_amd64")]
    assert checkWheelFolder(tmp_path, ["torch>=2.4"], {}, slicer).missing == ()


def test_no_folder_and_no_wheel(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="is no folder"):
        checkWheelFolder(tmp_path / "absent", ["torch"], {})
    (tmp_path / "torch-2.6-py3-none-any.whl").write_bytes(b"half a download")
    with pytest.raises(RuntimeError, match=r"torch-2.6-py3-none-any.whl is damaged"):
        checkWheelFolder(tmp_path, ["torch"], {})


def test_the_command_for_windows() -> None:
    tags = list(cpython_tags((3, 12), platforms=["win_amd64"]))
    assert downloadCommand(
        ["torch>=2.4", "matplotlib>=3.8"], {"numpy": "2.0.2", "simpleitk": "2.5.2"}, GENERAL, tags
    ) == (
        "python -m pip download --dest wheels --only-binary :all: --implementation cp --python-version 3.12 "
        '--platform win_amd64 "torch>=2.4" "matplotlib>=3.8" "numpy==2.0.2"'
    )


def test_the_command_for_linux_names_the_build_and_the_older_platforms() -> None:
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(35, 16, -1)] + [
        "manylinux2014_x86_64",
        "linux_x86_64",
    ]
    build = TorchBuild("cpu", "PyTorch", "https://example.org/whl/cpu")
    command = downloadCommand(["torch>=2.4"], {}, build, list(cpython_tags((3, 12), platforms=platforms)))
    for words in (
        "--platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64 ",
        "--extra-index-url https://example.org/whl/cpu",
    ):
        assert words in command
    assert "2_35" not in command


def test_the_command_for_this_python() -> None:
    assert f"--python-version {sys.version_info[0]}.{sys.version_info[1]} " in downloadCommand(
        ["x"], {}, GENERAL
    )
