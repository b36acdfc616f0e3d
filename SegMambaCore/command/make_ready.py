"""From the volumes as they were read to the network's input: what `segment` shows and `batch` does ahead."""

from __future__ import annotations

from dataclasses import dataclass, field

from SegMambaCore.case.case import Case
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.case.prepared import PreparedCase
from SegMambaCore.command.choices import Choices
from SegMambaCore.command.steps import Steps
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.preparation.preparation import Preparation
from SegMambaCore.preparation.prepare_study import leave_as_is, prepare_study
from SegMambaCore.preparation.quality import QualityCheck, check_quality


@dataclass(frozen=True)
class ReadyStudy:
    """A case that was prepared, what the network gets of it, and what speaks against that.

    notes: on how its volumes were found.
    """

    preparation: Preparation
    prepared: PreparedCase
    check: QualityCheck = field(default_factory=QualityCheck)
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about the input, for the report."""
        return (
            *self.notes,
            *self.preparation.warnings,
            *self.check.warnings,
            *self.prepared.warnings,
        )


def make_ready(
    case: Case, spec: ModelSpec, choices: Choices, steps: Steps, notes: tuple[str, ...] = ()
) -> ReadyStudy:
    """Prepare a case as far as it needs it and the user wants it; steps: goes on through "prepare".

    Raises SegMambaError for what the user can mend, CancelledError when asked to stop.
    """
    if choices.preparation:
        preparation = prepare_study(case, steps.begin, steps.progress_of_phase, steps.is_cancelled)
    else:
        steps.begin("inspect")
        preparation = leave_as_is(case)
    steps.begin("prepare")
    prepared = prepare_case(preparation.for_network or preparation.case, spec, preparation.brain_mask)
    check = check_quality(prepared.tensor, spec.channels, case.reference)
    return ReadyStudy(preparation, prepared, check, notes)
