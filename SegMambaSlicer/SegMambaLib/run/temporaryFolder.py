"""Folders with copies of a patient's volumes: made for a run, and not left behind."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "SegMamba-"

_SECONDS_OF_A_DAY = 24 * 3600.0


def makeFolder(parent: Path) -> Path:
    """Make a folder of its own for one run, and remove those that a Slicer which was killed has left."""
    for folder in parent.glob(f"{PREFIX}*"):
        # No run takes a day: a younger one may belong to another Slicer that is at work.
        if time.time() - folder.stat().st_mtime > _SECONDS_OF_A_DAY:
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))


def temporaryVariables(folder: Path) -> dict[str, str]:
    """Return the environment variables that make a program leave nothing outside the folder.

    What a killed program leaves in its temporary folder goes away with this one, and should Slicer be killed, the
    program removes it.
    """
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP", "SEGMAMBA_PARENT_FOLDER"), str(folder))


def removeFolder(folder: Path) -> None:
    """Remove it with all that is in it; a warning in the log where that is impossible."""
    # Windows releases the files of a program that was killed only after a moment.
    for _attempt in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
    logging.warning("The temporary folder %s could not be removed; it holds copies of the volumes.", folder)
