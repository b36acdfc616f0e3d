"""The brain in a head: found, or looked for elsewhere, or given up with the reasons."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.case.case import Case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.preparation import brain as brain_module
from SegMambaCore.preparation.brain import find_brain
from SegMambaCore.preparation.plausible import why_no_brain
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom

from .raw_heads import dice, scanned_at_rest, true_brain_on, with_one


def _truth(volume: Volume) -> Volume:
    return Volume(true_brain_on(volume).astype(np.uint8), volume.affine)


def test_the_network_finds_the_brain_of_a_head() -> None:
    found, warnings = find_brain(scanned_at_rest())
    assert found is not None and found.roles == ("t1n", "t1c", "t2f") and warnings == ()
    assert dice(found.mask.array > 0, true_brain_on(found.mask)) > 0.94
    assert found.volume_ml == pytest.approx(np.count_nonzero(true_brain_on(found.mask)) / 1000, rel=0.1)


def test_stripped_volumes_need_no_search() -> None:
    case, _ = coarse_phantom()
    assert find_brain(case) == (None, ())


def test_the_brain_of_a_stripped_volume_is_everybodys() -> None:
    case = scanned_at_rest()
    t1 = case.volumes["t1n"]
    stripped = Volume(np.where(true_brain_on(t1), t1.array, 0), t1.affine)
    found, warnings = find_brain(with_one(case, "t1n", stripped))
    assert found is not None and found.roles == ("t1n",) and found.was_given and warnings == ()
    assert dice(found.mask.array > 0, true_brain_on(t1)) > 0.99


def test_an_implausible_mask_does_not_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    case = scanned_at_rest()

    def find(volume: Volume) -> Volume:
        mask = _truth(volume)
        return mask if volume is case.volumes["t2f"] else Volume(mask.array * 0, mask.affine)

    monkeypatch.setattr(brain_module, "find_brain_by_network", find)
    found, (warning,) = find_brain(case)
    assert found is not None and found.roles == ("t2f",)
    assert warning.startswith(
        "The brain was found in T2-FLAIR alone, because in T1 none was found; in T1Gd none was found."
    )


def test_no_brain_anywhere_is_an_error_with_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        brain_module, "find_brain_by_network", lambda volume: Volume(_truth(volume).array * 0, volume.affine)
    )
    with pytest.raises(
        SegMambaError, match=r"in T1 none was found; .*; in T2 none was found.\nRemove the skull"
    ):
        find_brain(scanned_at_rest())


def test_the_majority_decides_and_t2_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    case = scanned_at_rest()

    def find(volume: Volume) -> Volume:
        mask = _truth(volume)
        if volume is case.volumes["t1c"]:  # it takes the meninges for brain
            mask.array[:, :, 4:] |= mask.array[:, :, :-4].copy()
        return mask

    monkeypatch.setattr(brain_module, "find_brain_by_network", find)
    steps: list[tuple[int, int]] = []
    found, _ = find_brain(case, lambda *step: steps.append(step))
    assert found is not None and dice(found.mask.array > 0, true_brain_on(found.mask)) > 0.975
    assert steps == [(0, 3), (1, 3), (2, 3)]
    found, _ = find_brain(Case({"t2w": case.volumes["t2w"]}, reference="t2w"))
    assert found is not None and found.roles == ("t2w",)


def test_what_cannot_be_a_brain() -> None:
    volume = scanned_at_rest().volumes["t1n"]
    mask = true_brain_on(volume)
    k, j, i = (int(index) for index in np.argwhere(mask).mean(axis=0))
    half, pieces, slab, ring = mask.copy(), mask.copy(), mask.copy(), mask.copy()
    half[:, :, :i] = False
    pieces[k : k + 3] = False
    slab[: k + 12] = False
    ring[k - 18 : k + 18, j - 30 : j + 30, i - 18 : i + 18] = False
    air = np.roll(mask, 24, axis=2)
    head = volume.array > 0.1 * np.percentile(volume.array, 99)
    reasons = {
        name: why_no_brain(Volume(array.astype(np.uint8), volume.affine), volume)
        for name, array in {
            "brain": mask, "half": half, "pieces": pieces, "slab": slab, "ring": ring, "air": air, "head": head,
            "nothing": mask & False,
        }.items()
    }  # fmt: skip
    assert reasons.pop("brain") == ""
    assert all(reasons.values()), reasons
    assert reasons["pieces"] == "what was found is in pieces"
    assert reasons["nothing"] == "none was found"
