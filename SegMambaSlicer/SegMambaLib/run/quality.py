"""How much time a segmentation may take for its accuracy."""

from __future__ import annotations

from dataclasses import dataclass

from slicer.i18n import tr as _


@dataclass(frozen=True)
class Quality:
    """The settings of the command that make it; what they mean stands in SegMambaCore's inference/settings.py."""

    mode: str
    mirror: str
    overlap: float

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command's."""
        return ("--mode", self.mode, "--mirror", self.mirror, "--overlap", str(self.overlap))


QUALITIES = {
    "fast": Quality("auto", "none", 0.25),
    "standard": Quality("auto", "leftright", 0.5),
    "best": Quality("windows", "all", 0.5),
}
DEFAULT_QUALITY = "standard"

_WINDOWS_PER_BRAIN = 4.6
"""Eight overlapping patches of 128^3 voxels, in brains of 144 x 176 x 144."""


def brainsSeen(mode: str, mirror: str, device: str) -> float:
    """Return how much work settings mean, in brains that the network sees; a GPU takes patches in any case."""
    patches = _WINDOWS_PER_BRAIN if device == "cpu" and mode == "windows" else 1.0
    return {"none": 1, "leftright": 2, "all": 8}[mirror] * patches


def qualityTitle(name: str) -> str:
    """Return the name for the user."""
    return {"fast": _("Fast"), "standard": _("Standard"), "best": _("Best")}[name]


def qualityExplanation(name: str) -> str:
    """Return what it costs and what it gains, as far as that was measured (docs/model_card.md)."""
    return {
        "fast": _("The network sees the brain once."),
        "standard": _(
            "The network sees the brain and its left-right mirror image, and the two answers are averaged. "
            "Its part of the time doubles. The gain was not measured."
        ),
        "best": _(
            "The network sees overlapping patches in all eight reflections. A graphics card takes seconds for it, "
            "a CPU minutes: some 37 times the network's part of Fast. On ten test cases the overlap with the "
            "experts' regions (Dice) was 0.01 higher than with one look."
        ),
    }[name]
