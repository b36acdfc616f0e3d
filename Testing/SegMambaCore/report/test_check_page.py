"""The picture page of the input: there for heads and for brains, with what it has to say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.image import imread

from SegMambaCore.preparation.preparation import Brain, Motion, Preparation
from SegMambaCore.preparation.quality import QualityCheck
from SegMambaCore.report import check_page
from SegMambaCore.report.check_page import write_check_page
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom
from Testing.SegMambaCore.preparation.raw_heads import scanned_at_rest, true_brain_on

_GREEN, _YELLOW = (53, 224, 122), (255, 212, 0)


def _share(path: Path, colour: tuple[int, int, int], columns: slice) -> float:
    picture = (imread(path)[:, :, :3] * 255).round()
    return float((np.abs(picture[:, columns] - colour).max(axis=2) < 40).mean())


def test_edges_of_the_sequences_and_the_outline_of_the_brain(tmp_path: Path) -> None:
    case = scanned_at_rest()
    t1 = case.volumes["t1n"]
    brain = Brain(Volume(true_brain_on(t1).astype(np.uint8), t1.affine), ("t1n",))
    preparation = Preparation(case, {"t2f": Motion(np.eye(4), 3.2)}, brain)
    write_check_page(preparation, QualityCheck({"t2f": 1.05}), ("T2: something.",), tmp_path / "check.png")
    first, others = slice(34, 424), slice(430, None)
    assert _share(tmp_path / "check.png", _YELLOW, first) > 0.001
    assert _share(tmp_path / "check.png", _GREEN, first) == 0
    assert _share(tmp_path / "check.png", _GREEN, others) > 0.01


def test_what_is_written_on_it() -> None:
    case, _ = coarse_phantom()
    preparation = Preparation(case, {"t2f": Motion(np.eye(4), 3.21)})
    figure = check_page._draw(preparation, QualityCheck({"t2f": 1.0512}), ("T2: something.",))
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    texts += [text.get_text() for text in figure.texts]
    assert "edges of T2-FLAIR, moved 3.2 mm, similarity 1.051" in texts
    assert "T1Gd (reference), outline of the brain" in texts and "T2: something." in texts
