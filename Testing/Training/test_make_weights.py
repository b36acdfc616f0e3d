"""`make weights` calls programs that exist, with options that they have."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_every_step_is_a_program_with_these_options() -> None:
    dry = ["make", "--dry-run", "--assume-old=.venv/.ready", "weights", "BRATS=DIR"]
    lines = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    steps = re.findall(r"(Training/\w+\.py)((?:[^\n\\]|\\\n)*)", lines)
    assert [Path(script).stem for script, _ in steps] == [
        "prepare",
        "cross_validate",
        "train",
        "evaluate",
        "robustness",
        "train",
        "limits",
        "export",
    ]
    for script, arguments in steps:
        files = (ROOT / "Training").glob(
            f"{Path(script).stem}*.py"
        )  # train.py's options are in train_arguments.py
        source = "".join(path.read_text(encoding="utf-8") for path in files)
        for option in re.findall(r"(--[a-z-]+)", arguments):
            assert f'"{option}"' in source, f"{script} has no {option}"


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_without_the_data_it_says_what_to_name() -> None:
    command = ["make", "--assume-old=.venv/.ready", "weights", "BRATS="]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "make weights BRATS=DIR" in run.stdout
