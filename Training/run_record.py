"""What a training was begun with, in its output folder: config.yaml and run.json."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.device import device_name
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.whole_file import write_whole_file
from Training.clinical import MOST_DROPPED
from Training.config import Config, read_config, write_config
from Training.model_spec import model_spec
from Training.processes import Processes
from Training.split import read_split
from Training.starting_network import StartingNetwork

CONFIG, RUN = "config.yaml", "run.json"


@dataclass(frozen=True)
class RunRecord:
    """config: with all changes made. changes: how it differs from its file, "key=value".

    cases: names of those that are trained on. seen: of these and of what an earlier training had seen. split: the
    file's name, "" where there is none; held_out: how many cases it leaves out. history: what to say of earlier
    trainings. hardware: "4 x NVIDIA H100".
    """

    config: Config
    cases: tuple[str, ...]
    hardware: str
    changes: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    split: str = ""
    held_out: int = 0
    history: str = ""
    torch: str = torch.__version__
    started: str = field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))

    def spec(self, steps: int, seconds: float) -> ModelSpec:
        """Return what weights that this training made say of themselves after so many steps and seconds."""
        config = self.config
        training = (
            f"{len(self.cases)} cases, {steps} steps in {seconds / 60:.1f} minutes, {config.optimizer},"
            f" patches of {config.patch} and whole brains of {config.whole}"
            f"{''.join(f', {change}' for change in self.changes)}{self.history}"
        )
        cases: Collection[str] = {*self.cases, *self.seen}
        missing = MOST_DROPPED if config.augmentation.p_contrast_dropout > 0 else 0
        return model_spec(config.activation, config.network, config.patch, training, cases, missing)


def record_of(
    config: Config,
    names: Collection[str],
    begun: StartingNetwork,
    processes: Processes,
    split: Path | None,
    changes: Collection[str],
) -> RunRecord:
    """Return the record of a training that begins on the named cases, whichever split is given."""
    return RunRecord(
        config,
        cases=tuple(sorted(names)),
        hardware=f"{processes.count} x {device_name(str(processes.device))}",
        changes=tuple(changes),
        seen=tuple(sorted(begun.cases)),
        split="" if split is None else split.name,
        held_out=0 if split is None else len(read_split(split).held_out),
        history=begun.history,
    )


def write_run(record: RunRecord, folder: Path) -> None:
    """Write the two files, each whole or not at all. Raises SegMambaError when they cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    write_config(record.config, folder / CONFIG)
    values = {name: value for name, value in asdict(record).items() if name != "config"}
    write_whole_file(folder / RUN, (json.dumps(values, indent=1) + "\n").encode())


def read_run(folder: Path) -> RunRecord:
    """Read what `write_run` wrote. Raises SegMambaError naming the folder when it is not that of a training."""
    try:
        values: dict[str, Any] = json.loads((folder / RUN).read_text(encoding="utf-8"))
        for name in ("cases", "changes", "seen"):
            values[name] = tuple(values[name])
        return RunRecord(config=read_config(folder / CONFIG), **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SegMambaError(f"{folder}: is no output folder of Training/train.py ({error}).") from error
