"""Which Python runs the segmentation, and how it finds SegMambaCore."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _


@dataclass(frozen=True)
class Program:
    """python: path of the interpreter; environment: the variables that it gets."""

    python: str
    environment: Mapping[str, str]


def findProgram() -> Program:
    """Return PythonSlicer, which Slicer puts on PATH, with SegMambaCore on its module path.

    Raises RuntimeError when either is missing.
    """
    python = shutil.which("PythonSlicer")
    if python is None:
        raise RuntimeError(_("PythonSlicer was not found beside Slicer's program. Install Slicer again."))
    return Program(python, _environment())


def coreParentFolder() -> Path:
    """Return the folder that holds SegMambaCore: the module's own if installed, the one above in the sources.

    Raises RuntimeError when it is in neither.
    """
    moduleFolder = Path(__file__).resolve().parents[2]
    for folder in (moduleFolder, moduleFolder.parent):
        if (folder / "SegMambaCore" / "__init__.py").is_file():
            return folder
    raise RuntimeError(
        _("SegMambaCore was not found in {folder}. Install the extension again.").format(folder=moduleFolder)
    )


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    inherited = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(coreParentFolder()), *([inherited] if inherited else [])]
    )
    # Windows would write the events in the code page of the country.
    environment["PYTHONIOENCODING"] = "utf-8"
    # Should Slicer be killed, nobody else would end the command.
    environment["SEGMAMBA_PARENT"] = str(os.getpid())
    return environment
