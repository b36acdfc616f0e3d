"""The state of a training on disk, to go on after an interruption as if there had been none."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file
from Training.config import Config

_NAME = "step_{:08d}.pt"
State = dict[str, Any]


class CheckpointFolder:
    """The last few checkpoints of one training, named by their steps, each whole or not there."""

    def __init__(
        self, folder: Path, config: Config, names: list[str], say: Callable[[str], None] = print
    ) -> None:
        """names: the cases that are trained on."""
        self._folder, self._kept, self._say = folder, config.checkpoints_kept, say
        self._of = {"config": repr(config), "cases": sorted(names)}

    def save(self, step: int, state: State) -> None:
        """Write a checkpoint, then delete those that are too old.

        Raises SegMambaError naming the file when it cannot be written; then the older ones are still there.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        torch.save(self._of | {"state": state}, content)
        write_whole_file(self._folder / _NAME.format(step), content.getbuffer())
        for old in self._newest_first()[self._kept :]:
            old.unlink(missing_ok=True)

    def open(self, *, resume: bool) -> State | None:
        """Return the state of the newest checkpoint that can be read, None where a training begins.

        Raises SegMambaError when there are checkpoints that are not to be resumed, as a new training would delete
        them; when none of them can be read; and when they belong to another configuration or other cases: going
        on with those would mix held-out cases into the training unnoticed.
        """
        for part in self._folder.glob(".*.step_*.pt"):  # a killed process had begun to write these
            part.unlink(missing_ok=True)
        paths = self._newest_first()
        if paths and not resume:
            raise SegMambaError(
                f"{paths[0]}: left by an earlier training. --resume goes on with it; a new one needs another --output."
            )
        for path in paths:
            try:
                content = torch.load(path, map_location="cpu", weights_only=True)
            except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
                self._say(f"{path}: cannot be read ({error}). The one before it is tried.")
                continue
            return self._checked(content, path)
        if paths:
            raise SegMambaError(
                f"{self._folder}: none of the checkpoints can be read. Delete them to begin anew."
            )
        return None

    def _checked(self, content: State, path: Path) -> State:
        if content["config"] != self._of["config"]:
            raise SegMambaError(
                f"{path}: written with other settings than the ones given. Use those, or another --output."
            )
        if content["cases"] != self._of["cases"]:
            raise SegMambaError(
                f"{path}: trained on {len(content['cases'])} other cases than the {len(self._of['cases'])} given. "
                "Use those, or another --output."
            )
        state: State = content["state"]
        return state

    def _newest_first(self) -> list[Path]:
        return _newest_first(self._folder)


def newest_states(folder: Path, count: int) -> list[State]:
    """Return the states of the last checkpoints of a training, the newest first.

    Raises SegMambaError when there are not so many, or one cannot be read.
    """
    paths = _newest_first(folder)[:count]
    if len(paths) < count:
        raise SegMambaError(
            f"{folder}: holds {len(paths)} checkpoints, not {count}. The configuration's checkpoints_kept says how"
            " many a training leaves there."
        )
    states = []
    for path in paths:
        try:
            states.append(torch.load(path, map_location="cpu", weights_only=True)["state"])
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise SegMambaError(f"{path}: cannot be read ({error}).") from error
    return states


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step_*.pt"), reverse=True)
