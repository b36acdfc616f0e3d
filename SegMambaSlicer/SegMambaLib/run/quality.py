"""How much time a segmentation may take for its accuracy."""

from __future__ import annotations

from dataclasses import dataclass

from slicer.i18n import tr as _


@dataclass(frozen=True)
class Quality:
    """passes: how often the network sees the brain. arguments: of the command."""

    passes: int
    arguments: tuple[str, ...]


QUALITIES = {
    "fast": Quality(1, ("--mirror", "none", "--overlap", "0.25")),
    "standard": Quality(2, ("--mirror", "leftright", "--overlap", "0.5")),
    "best": Quality(8, ("--mirror", "all", "--overlap", "0.5")),
}
DEFAULT_QUALITY = "standard"


def qualityTitle(name: str) -> str:
    """Return the name for the user."""
    return {"fast": _("Fast"), "standard": _("Standard"), "best": _("Best")}[name]


def qualityExplanation(name: str) -> str:
    """Return what it costs and what it gains, as far as that was measured (docs/model_card.md)."""
    return {
        "fast": _("The network sees the brain once."),
        "standard": _(
            "The network sees the brain and its left-right mirror image, and the two answers are averaged. "
            "Its part of the time doubles."
        ),
        "best": _(
            "Averages over all eight reflections. The network's part of the time is eight times that of Fast. "
            "On ten test cases the outline of the whole tumor came 2 mm closer where it was worst; the overlap "
            "with the experts' regions (Dice) did not change."
        ),
    }[name]
