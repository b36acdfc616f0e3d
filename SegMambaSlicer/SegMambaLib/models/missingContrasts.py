"""What a model makes of fewer than four contrasts, asked before it runs."""

from __future__ import annotations

from collections.abc import Sequence

from slicer.i18n import tr as _

from ..core import makeCoreImportable
from ..inputs.roles import ROLES
from .modelFiles import modelFiles


def questionAboutMissing(missing: Sequence[str], model: str) -> str | None:
    """Return what to ask before a run without these roles; None where none is missing.

    model: a name, "" for the default.
    """
    if not missing:
        return None
    makeCoreImportable()
    from SegMambaCore.case.missing import missing_sentences
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.model_file.header import read_spec

    path = next((path for path in modelFiles() if model in ("", path.stem)), None)
    try:
        sentences = missing_sentences(missing, read_spec(path)) if path else ()
    except SegMambaError:  # the run will say what is wrong with the model
        sentences = ()
    count = len(ROLES) - len(missing)
    return "\n\n".join([*sentences, _("Segment with {count} of the four contrasts?").format(count=count)])
