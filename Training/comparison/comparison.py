"""All that a comparison says, before it is written as Markdown, LaTeX or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from Training.comparison.costs import Costs, costs_of
from Training.comparison.differences import paired_differences
from Training.comparison.evaluated import Evaluated
from Training.comparison.table1 import Table, make_table
from Training.evaluation.bootstrap import RESAMPLES
from Training.evaluation.table import Row

FEW_PATIENTS = 30


@dataclass(frozen=True)
class Comparison:
    """costs: by model. tables: one a convention. differences: see `paired_differences`.

    notes: what a reader has to know, in sentences.
    """

    evaluations: Sequence[Evaluated]
    costs: dict[str, Costs]
    tables: Sequence[Table]
    differences: Sequence[Row]
    notes: Sequence[str]

    @property
    def size(self) -> str:
        """Cases and patients, in words."""
        first = self.evaluations[0]
        cases, patients = len(first.cases), first.patients
        return f"{cases} case{'s'[: cases != 1]} of {patients} patient{'s'[: patients != 1]}"


def compare(evaluations: Sequence[Evaluated], conventions: Sequence[str], seed: int = 0) -> Comparison:
    """Compute every figure. Raises SegMambaError when a network's package is not installed."""
    return Comparison(
        evaluations,
        {evaluation.name: costs_of(evaluation) for evaluation in evaluations},
        [make_table(evaluations, convention, seed) for convention in conventions],
        [row for row in paired_differences(evaluations, seed) if row["convention"] in conventions],
        list(_notes(evaluations)),
    )


def _notes(evaluations: Sequence[Evaluated]) -> list[str]:
    first = evaluations[0]
    notes = [
        "Figures of different conventions cannot be set beside each other.",
        f"Mean: of the three regions. Intervals: 95 %, bootstrap over patients ({RESAMPLES:,} resamples). Bold: the"
        " best mean of a column, whether or not the difference is more than chance.",
    ]
    if len(evaluations) > 1:
        notes.append(
            f"Paired differences are against {first.name}: p by Wilcoxon's signed-rank test over patients, corrected by"
            " Holm over all tests of a convention."
        )
    if first.patients < FEW_PATIENTS:
        notes.append(
            f"{first.patients} patients are few: intervals are wide, and small differences cannot show."
        )
    notes.append(
        "Parameters and GMACs (one patch of 4 x 128 x 128 x 128): sums over the members of an ensemble. Seconds: a"
        " case, median, of the network (of label maps with SegMamba's report: of its phase `segment`). GB: 1e9 bytes"
        " at the peak, largest case, of tensors on a GPU, on a CPU what the process grew by."
    )
    devices = {evaluation.device for evaluation in evaluations if evaluation.seconds is not None}
    if len(devices) > 1:
        notes.append("The seconds were taken on different devices and cannot be compared.")
    for evaluation in evaluations:
        details = [
            "+".join(evaluation.networks) and f"network {' + '.join(evaluation.networks)}",
            evaluation.way and f"inference {evaluation.way}",
            evaluation.device and f"on {evaluation.device}",
        ]
        if any(details):
            notes.append(f"{evaluation.name}: {', '.join(filter(None, details))}.")
    return notes
