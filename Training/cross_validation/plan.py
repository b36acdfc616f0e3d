"""What a cross-validation trains: every variant on every fold with every seed, each in a folder of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file
from Training.config import read_config

_TRAINING = Path(__file__).resolve().parents[1]
_SETTINGS, _CASES = "settings.json", "cases.csv"


@dataclass(frozen=True)
class Variant:
    """A name in tables and folders, and how its configuration differs from the file: "key=value" each."""

    name: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """What all runs share.

    minutes: of one training, all included. mode: how the model is measured, see Training/evaluate.py; None: all.
    """

    config: Path
    data: Path
    minutes: float
    mode: str | None


@dataclass(frozen=True)
class Run:
    """One training and its evaluation on the cases that the fold holds out."""

    variant: Variant
    fold: Path
    seed: int
    recipe: Recipe
    folder: Path

    @property
    def title(self) -> str:
        """The run's name in messages."""
        return f"{self.variant.name} {self.folder.name}"

    @property
    def model(self) -> Path:
        """The weights that it trains."""
        return self.folder / "model.safetensors"

    @property
    def cases(self) -> Path:
        """The table of its evaluation, written last: with it the run is finished."""
        return self.folder / _CASES

    def commands(self) -> list[list[str]]:
        """Return the two command lines, training and evaluation, without the Python that runs them."""
        changes = [*self.variant.changes, f"seed={self.seed}"]
        shared = ["--data", self.recipe.data, "--split", self.fold, "--output", self.folder]
        train = [_TRAINING / "train.py", "--config", self.recipe.config, *shared]
        train += ["--minutes", self.recipe.minutes, "--resume"]
        train += [word for change in changes for word in ("--set", change)]
        evaluate = [_TRAINING / "evaluate.py", "--model", self.model, *shared]
        evaluate += [] if self.recipe.mode is None else ["--mode", self.recipe.mode]
        return [list(map(str, words)) for words in (train, evaluate)]

    def is_finished(self) -> bool:
        """Whether its table is there.

        Raises SegMambaError when the folder holds a run with other settings.
        """
        path = self.folder / _SETTINGS
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            # A key that did not exist then is neutral in the file of today.
            differs = [key for key, value in self._settings().items() if found.get(key, value) != value]
            if differs:
                raise SegMambaError(
                    f"{self.folder}: holds a run with another {', '.join(differs)}. Give the variant another name, or "
                    "another --output."
                )
        return self.cases.exists()

    def begin(self) -> None:
        """Make the folder and note the settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole_file(self.folder / _SETTINGS, (json.dumps(self._settings(), indent=1) + "\n").encode())

    def _settings(self) -> dict[str, Any]:
        config = asdict(read_config(self.recipe.config, self.variant.changes))
        keys = {"fold": self.fold.name, "minutes": self.recipe.minutes}
        for group in ("loss", "augmentation"):
            keys |= config.pop(group)
        settings: dict[str, Any] = json.loads(json.dumps(config | keys | {"seed": self.seed}))
        return settings


def plan_runs(
    variants: Sequence[Variant], folds: Sequence[Path], seeds: Sequence[int], recipe: Recipe, output: Path
) -> list[Run]:
    """Return the runs in the order in which they are worth most: all variants on a fold before the next fold.

    Raises SegMambaError when two variants share a name, or a configuration or fold is wrong or missing.
    """
    if len({variant.name for variant in variants}) < len(variants):
        raise SegMambaError("Two variants have the same name.")
    for variant in variants:
        read_config(recipe.config, variant.changes)
    if missing := [fold for fold in folds if not fold.is_file()]:
        raise SegMambaError(
            f"{missing[0]}: there is no such fold. Write them with Training/split.py --folds."
        )
    return [
        Run(variant, fold, seed, recipe, output / variant.name / f"{fold.stem}-seed_{seed}")
        for seed in seeds
        for fold in folds
        for variant in variants
    ]


def shell_line(run: Run, gpu: str) -> str:
    """Return what a person would type for this run."""
    commands = [" ".join([Path(sys.executable).name, *words]) for words in run.commands()]
    return f"CUDA_VISIBLE_DEVICES={gpu} sh -c '{' && '.join(commands)}'"
