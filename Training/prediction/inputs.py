"""What can be predicted: cases as they are published, and packs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from SegMambaCore.command.choices import Choices
from SegMambaCore.command.make_ready import ReadyStudy, make_ready
from SegMambaCore.command.steps import Steps
from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.spec import ModelSpec
from Training.case_pack import pack_names, pack_path
from Training.data_sets.find import find_cases
from Training.data_sets.found_case import FoundCase
from Training.prediction.pack_input import PackInput


class Input(Protocol):
    """A case to predict, of which nothing has been read."""

    @property
    def name(self) -> str:
        """What the case is called."""

    def sources(self) -> dict[str, Path]:
        """Return the file of each role. Raises SegMambaError when one is missing."""

    @property
    def is_prepared(self) -> bool:
        """Whether nothing may be registered or removed any more."""

    def read(self, spec: ModelSpec, choices: Choices, steps: Steps) -> ReadyStudy:
        """Return what a model gets to see, with all that a report tells. Raises SegMambaError when it is of no use.

        steps: goes on with "read".
        """


@dataclass(frozen=True)
class ScansInput:
    """See `Input`: a case as it is published. Its segmentation, if it has one, is not looked at."""

    found: FoundCase

    @property
    def name(self) -> str:
        """See `Input`."""
        return self.found.name

    def sources(self) -> dict[str, Path]:
        """See `Input`."""
        return self.found.sources()

    @property
    def is_prepared(self) -> bool:
        """See `Input`."""
        return False

    def read(self, spec: ModelSpec, choices: Choices, steps: Steps) -> ReadyStudy:
        """See `Input`."""
        steps.begin("read")
        return make_ready(self.found.read_scans(), spec, choices, steps)


def find_inputs(data: Path, wanted: Collection[str] | None = None) -> list[Input]:
    """Return the cases in a folder, by name: its packs if it has any, else what `find_cases` finds.

    wanted: names, None for all. Raises SegMambaError when there is no case, two have one name, or a wanted one is
    missing.
    """
    inputs: list[Input] = [PackInput(pack_path(data, name)) for name in pack_names(data)]
    if not inputs:
        inputs = [ScansInput(found) for found in find_cases(data)]
    names = [one.name for one in inputs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SegMambaError(f"{data}: two cases are called {twice}. Give one of them another name.")
    if wanted is None:
        return inputs
    if missing := sorted(set(wanted) - set(names)):
        raise SegMambaError(
            f"{data}: does not hold {missing[0]} ({len(missing)} of {len(wanted)} are missing)."
        )
    return [one for one in inputs if one.name in wanted]
