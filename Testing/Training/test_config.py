"""The configuration that ships, and the words for one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from SegMambaCore.errors import SegMambaError
from Training.config import read_config

SHIPPED = Path(__file__).resolve().parents[2] / "Training" / "configs" / "small.yaml"


@pytest.mark.parametrize("path", sorted(SHIPPED.parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_is_complete_and_its_sizes_fit_the_networks(path: Path) -> None:
    config = read_config(path)
    assert all(side % 16 == 0 for side in (*config.patch, *config.whole))


def test_the_papers_training_and_its_authors_differ_where_the_two_sources_do() -> None:
    paper, public = (read_config(SHIPPED.with_name(f"{name}.yaml")) for name in ("paper", "public_code"))
    for config in (paper, public):
        assert (config.loss.kind, config.optimizer, config.learning_rate) == ("cross_entropy", "sgd", 1e-2)
        assert (config.schedule, config.epochs, config.patch) == ("polynomial", 1000, (128, 128, 128))
        assert (config.activation, config.average_decay, config.p_whole) == ("softmax", 0.0, 0.0)
    assert (paper.network, public.network) == ("paper", "tom")
    assert (paper.batch_size * paper.batches_per_step, public.batch_size * public.batches_per_step) == (8, 2)
    assert public.epochs * public.steps_per_epoch == 250_000
    assert (paper.weight_decay, public.weight_decay) == (1e-5, 3e-5)
    named = {"p_rotation", "p_scale", "p_mirror", "p_elastic", "p_gamma", "p_channel_shift"}
    used = {name for name, value in vars(paper.augmentation).items() if name.startswith("p_") and value}
    assert used == named


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("p_whole: 0.3", "p_hole: 0.3", "p_whole is missing"),
        ("p_whole: 0.3", "p_whole: 0.3\nspeed: 3", "no setting speed"),
        ("  p_gamma: 0.3\n", "", "augmentation.p_gamma is missing"),
        ("seed: 2024", "seed: high", "seed must be of type int"),
        ("batch_size: 2", "batch_size: 2.5", "batch_size must be of type int"),
        ("optimizer: adamw", "optimizer: adam", "optimizer must be one of sgd, adamw"),
        ("patch: [128, 128, 128]", "patch: [128, 128]", "patch must be a list of 3"),
        ("learning_rate: 1.0e-3", "learning_rate: yes", "learning_rate must be of type float"),
        ("network: small", "network: [", "cannot be read as YAML"),
    ],
)
def test_wrong_configuration_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SegMambaError, match=words):
        read_config(path)


def test_changes_have_the_last_word() -> None:
    changes = ["p_contrast_dropout=0.3", "loss.focal_gamma=2", "network=dynunet", "scale=[0.5, 2.0]"]
    config = read_config(SHIPPED, changes)
    assert config.augmentation.p_contrast_dropout == 0.3
    assert config.loss.focal_gamma == 2.0
    assert config.network == "dynunet"
    assert config.augmentation.scale == (0.5, 2.0)
    assert read_config(SHIPPED, []) == read_config(SHIPPED)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("p_contrast_drop=0.3", "--set p_contrast_drop=0.3: give KEY=VALUE with a key"),
        ("seed", "--set seed: give KEY=VALUE"),
        ("seed=high", "seed must be of type int, not 'high'"),
        ("dice_over=case", "loss.dice_over must be one of batch, sample"),
        ("scale=[1", "is not a value"),
    ],
)
def test_a_wrong_change_is_named(change: str, words: str) -> None:
    with pytest.raises(SegMambaError, match=words):
        read_config(SHIPPED, [change])


def test_what_is_not_measured_yet_is_off() -> None:
    config = read_config(SHIPPED)
    assert config.deep_supervision == 0
    assert (config.loss.dice_over, config.loss.missed_weight, config.loss.focal_gamma) == ("batch", 0.5, 0.0)
    off = [name for name in vars(config.augmentation) if name.startswith("p_")]
    new = off[off.index("p_lesion_paste") :]
    assert len(new) == 10
    assert all(getattr(config.augmentation, name) == 0 for name in new)
