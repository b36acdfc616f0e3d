"""The extension as CMake installs it: every file, in its place, and usable from there."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from scenes import REPOSITORY

CMAKE_STANDIN = Path(__file__).resolve().parent / "cmake"
MODULES = Path("lib") / "Slicer-5.13" / "qt-scripted-modules"


def cmake_program() -> str:
    """Return a cmake that can read the extension's files; skip the test where there is none."""
    beside_python = shutil.which("cmake", path=str(Path(sys.executable).parent))
    program = beside_python or shutil.which("cmake")
    if program is None:
        pytest.skip("cmake is not installed: pip install 'cmake>=3.28'")
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.search(r"(\d+)\.(\d+)", text).groups())
    if version < (3, 28):
        pytest.skip(f"cmake is older than Slicer's own 3.28: {text.splitlines()[0]}")
    if not any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang", "cl")):
        pytest.skip("no C compiler: Slicer's CMake files enable C and C++")
    return program


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of an installed extension; its build tree is beside it."""
    cmake = cmake_program()
    build, prefix = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("installed")
    configure = [cmake, "-S", str(REPOSITORY), "-B", str(build), f"-DSlicer_DIR={CMAKE_STANDIN}"]
    for command in (configure, [cmake, "--install", str(build), "--prefix", str(prefix)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(build / "description.txt", prefix)
    return prefix


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(folder).parent.parts)
    }


def test_every_file_of_the_tree_is_installed_and_no_other(installed: Path) -> None:
    expected = files_below(REPOSITORY / "SegMambaSlicer") - {"CMakeLists.txt"}
    expected |= {f"SegMambaCore/{name}" for name in files_below(REPOSITORY / "SegMambaCore")}
    expected |= {"SegMambaCore/LICENSE", "SegMambaCore/weights/model_card.md"}
    assert files_below(installed / MODULES) == expected


def test_the_installed_core_is_found_and_can_be_imported(installed: Path) -> None:
    modules = installed / MODULES
    code = (
        "import sys, types; sys.modules['slicer'] = types.ModuleType('slicer');"
        "sys.modules['slicer.i18n'] = types.SimpleNamespace(tr=str);"
        "from SegMambaLib.run.program import coreParentFolder; sys.path.insert(0, str(coreParentFolder()));"
        "import SegMambaCore.errors; print(SegMambaCore.errors.__file__)"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(modules),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == modules / "SegMambaCore" / "errors.py"


def test_the_description_is_complete(installed: Path) -> None:
    lines = (installed / "description.txt").read_text(encoding="utf-8").splitlines()
    description = dict(line.split(" ", 1) for line in lines)
    assert description["name"] == "SegMamba"
    assert description["depends"] == "NA"
    assert description["homepage"].startswith("https://")
    for key in ("iconurl", "screenshoturls"):
        assert re.fullmatch(r"https://\S+\.(png|jpe?g)", description[key])
    assert description["contributors"] and len(description["description"]) > 50


def test_the_index_takes_the_cmake_files_as_they_are() -> None:
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    assert text.startswith("cmake_minimum_required(VERSION 3.28.0...3.28.0)\n")
    assert "project(SegMamba)" in text
    # The index reads these by pattern, before any CMake runs.
    for name in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert re.search(rf'^set\(EXTENSION_{name} "[^"\n]+"\)$', text, re.MULTILINE)
    for path in (*REPOSITORY.glob("CMakeLists.txt"), *(REPOSITORY / "SegMambaSlicer").rglob("*")):
        if path.suffix in (".py", ".txt", ".ui", ".json"):
            assert b"\r" not in path.read_bytes(), path


def test_the_icon_is_a_128_pixel_png_with_transparency() -> None:
    content = (REPOSITORY / "SegMambaSlicer" / "Resources" / "Icons" / "SegMamba.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, color = struct.unpack(">IIBB", content[16:26])
    assert (width, height, depth, color) == (128, 128, 8, 6)
    assert zlib.crc32(content[12:29]) == struct.unpack(">I", content[29:33])[0]
