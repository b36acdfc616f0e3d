"""Whether a patient's results are there already, and still those that would come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.case.read_case import source_sha256
from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.report.read_report import EarlierRun, read_report
from SegMambaCore.segmentation.regions import LabelConvention
from SegMambaCore.volume.read import Source


@dataclass(frozen=True)
class Recipe:
    """All but the inputs that decides on a result.

    preparation: whether the volumes are prepared where they need it. files: names of what a finished patient has.
    """

    model_sha256: str
    settings: InferenceSettings
    reference: str
    labels: LabelConvention
    preparation: bool
    files: tuple[str, ...]
    report: str


def finished_run(patient: FoundPatient, folder: Path, recipe: Recipe) -> EarlierRun | None:
    """Return the run that made the results in a patient's folder; None where one has to be made.

    All files have to be there, and the report has to name the same inputs, by their content, and the same
    recipe. A device left at "auto" is the same whichever was found.
    """
    if not all((folder / name).is_file() for name in recipe.files):
        return None
    run = read_report(folder / recipe.report)
    if run is None or (
        run.model_sha256,
        run.settings_asked,
        run.reference,
        run.label_convention,
        run.preparation,
    ) != (recipe.model_sha256, asdict(recipe.settings), recipe.reference, recipe.labels, recipe.preparation):
        return None
    return run if _hashes(patient.sources.items()) == run.hashes else None


def _hashes(sources: Iterable[tuple[str, Source]]) -> dict[str, str] | None:
    try:
        return {role: source_sha256(path) for role, path in sources}
    except (OSError, SegMambaError):
        return None  # reading the case will say what is wrong
