"""One case through a model, by whichever process takes it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from SegMambaCore.batch.finished import Recipe, finished_run
from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.command.choices import Choices
from SegMambaCore.command.output_folder import remove_leftovers
from SegMambaCore.command.progress import NoProgress
from SegMambaCore.command.segment_case import OUTPUT_FILES, LoadedModel, model_sha256, segment_case
from SegMambaCore.command.steps import Steps
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.report.read_report import EarlierRun, read_report
from Training.prediction.inputs import Input


@dataclass(frozen=True)
class CasePredictor:
    """Predicts case after case; the model is read by each process when it is first needed, and kept.

    models: files; several answer together. output: gets a folder for each case.
    """

    models: tuple[Path, ...]
    choices: Choices
    output: Path

    def __call__(self, case: Input) -> EarlierRun:
        """Write OUTPUT/NAME as `python -m SegMambaCore segment` does; return what its report says.

        A case that is finished, with the same files, models and choices, is left alone.
        Raises SegMambaError when a file, a model or the device is of no use, or memory or the disk does not suffice.
        """
        folder = self.output / case.name
        choices = replace(self.choices, preparation=not case.is_prepared)
        recipe = Recipe(
            ensemble_sha256(self.models),
            choices.settings,
            choices.reference,
            choices.labels,
            choices.preparation,
            tuple(OUTPUT_FILES.values()),
            OUTPUT_FILES["report"],
        )
        if run := finished_run(FoundPatient(case.name, {**case.sources()}), folder, recipe):
            return run
        steps = Steps(NoProgress(), lambda: False)
        steps.begin("load")
        model = _loaded(self.models, choices.settings)
        study = case.read(model.spec, choices, steps)
        remove_leftovers(folder)
        segment_case(study, model, choices, folder, steps)
        written = read_report(folder / OUTPUT_FILES["report"])
        assert written is not None
        return written


@cache
def ensemble_sha256(models: Sequence[Path]) -> str:
    """Return the SHA-256 of a model file; of several, that of theirs in order."""
    digests = [model_sha256(path) for path in models]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


@cache
def _loaded(models: tuple[Path, ...], settings: InferenceSettings) -> LoadedModel:
    # PyTorch takes seconds to import; a case that is finished does not need it.
    from SegMambaCore.inference.prepared_network import PreparedNetwork
    from Training.ensemble import read_ensemble

    network, spec = read_ensemble(models)
    ready = PreparedNetwork(network)
    ready.warm_up(settings, spec)
    return LoadedModel(ready, spec, ensemble_sha256(models))
