"""The command line of one segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _

from ..inputs.roles import REFERENCE_ROLE
from .quality import DEFAULT_QUALITY, QUALITIES


@dataclass(frozen=True)
class RunChoices:
    """model: a name, "" for the default. quality: a key of QUALITIES. device: "auto", "cpu", "cuda:0", "mps".

    skipPreparation: the volumes are taken as they are, not registered to each other nor freed of the skull.
    Raises ValueError for another quality.
    """

    model: str = ""
    quality: str = DEFAULT_QUALITY
    device: str = "auto"
    skipPreparation: bool = False

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise ValueError(
                _("The quality {quality} is unknown. Choose one of {qualities}.").format(
                    quality=self.quality, qualities=", ".join(QUALITIES)
                )
            )

    @property
    def arguments(self) -> tuple[str, ...]:
        """As `segment` and `batch` take them."""
        return (
            *("--reference", REFERENCE_ROLE, "--device", self.device, *QUALITIES[self.quality].arguments),
            *(("--model", self.model) if self.model else ()),
            *(("--no-preparation",) if self.skipPreparation else ()),
        )


def segmentCommand(python: str, files: Mapping[str, Path], output: Path, choices: RunChoices) -> list[str]:
    """Return the arguments of `python -m SegMambaCore segment`.

    files: the exported volume by role; output: the folder for the results.
    """
    inputs = [argument for role, path in files.items() for argument in (f"--{role}", str(path))]
    return [
        *(python, "-m", "SegMambaCore", "segment", *inputs),
        *("--output", str(output), "--progress", "json", *choices.arguments),
    ]
