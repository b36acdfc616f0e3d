"""What the panel shows of each model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..core import makeCoreImportable

if TYPE_CHECKING:
    from SegMambaCore.model_file.figures import Figures
    from SegMambaCore.model_file.library import ModelEntry
    from SegMambaCore.model_file.spec import ModelSpec


@dataclass(frozen=True)
class ModelRow:
    """One model. dice: "0.85 / 0.65 / 0.63" for WT, TC, ET. isOwn: the user's, so that it can be removed.

    problem: why it is of no use, "" for nothing. details: the rest, some lines for people.
    """

    name: str
    network: str
    size: str
    dice: str
    origin: str
    isOwn: bool
    problem: str
    details: str


def modelRows() -> list[ModelRow]:
    """Return all models, the default first. Each file's checksum is compared once, and again when it changes."""
    makeCoreImportable()
    from SegMambaCore.model_file.library import list_models

    return [_row(entry) for entry in list_models()]


def modelCard() -> str | None:
    """Return the text of the model card (Markdown) of the shipped model, None where it was not installed."""
    makeCoreImportable()
    from SegMambaCore.model_file.library import SHIPPED_FOLDER

    # Beside the weights in the extension, in the documents of the sources.
    for path in (SHIPPED_FOLDER / "model_card.md", SHIPPED_FOLDER.parents[1] / "docs" / "model_card.md"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return None


def _row(entry: ModelEntry) -> ModelRow:
    from SegMambaCore.model_file.figures import held_out_figures

    try:
        status = entry.path.stat()
    except OSError as error:
        return _useless(entry, "", str(error.strerror or error))
    size = _("{size:.0f} MB").format(size=status.st_size / 1e6)
    spec, problem = _checkedSpec(entry.path, status.st_mtime_ns, status.st_size)
    problem = entry.problem or problem
    if spec is None or problem:
        return _useless(entry, size, problem)
    lines = held_out_figures(spec)
    return ModelRow(
        name=entry.name,
        network=spec.network,
        size=size,
        dice=" / ".join(f"{value:.2f}" for value in lines[0].dice.values()) if lines else _("unknown"),
        origin=_origin(entry),
        isOwn=not entry.shipped,
        problem="",
        details="\n".join(_details(spec, lines)),
    )


@lru_cache(maxsize=100)
def _checkedSpec(path: Path, _modified: int, _size: int) -> tuple[ModelSpec | None, str]:
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.model_file.checksum import read_checked_spec

    try:
        spec, _data = read_checked_spec(path)
    except SegMambaError as error:
        return None, str(error)
    return spec, ""


def _details(spec: ModelSpec, lines: list[Figures]) -> list[str]:
    unknown = _("unknown")
    texts = [
        _("License: {text}").format(text=spec.licence or unknown),
        _("Checksum: right. Training: {count}, {date}").format(
            count=_("{count} cases").format(count=len(spec.cases)) if spec.cases else _("on unknown cases"),
            date=spec.date or unknown,
        ),
    ]
    if not lines:
        return [*texts, _("Accuracy: unknown. The file has no figures.")]
    text = _(
        "Accuracy: Dice {dice}; HD95 {distances} mm. {statistic} of {count} cases ({way}) that a training of the same "
        "recipe had not seen. These weights may have seen them since: see the model card."
    )
    return [
        *texts,
        text.format(
            dice=_values(lines[0].dice, ".2f"),
            distances=_values(lines[0].hd95_mm, ".0f"),
            statistic=lines[0].statistic.capitalize(),
            count=lines[0].cases,
            way=lines[0].way,
        ),
    ]


def _values(byRegion: dict[str, float], form: str) -> str:
    return ", ".join(f"{region} {value:{form}}" for region, value in byRegion.items())


def _useless(entry: ModelEntry, size: str, problem: str) -> ModelRow:
    return ModelRow(entry.name, "", size, "", _origin(entry), not entry.shipped, problem, problem)


def _origin(entry: ModelEntry) -> str:
    return _("shipped") if entry.shipped else _("yours")
