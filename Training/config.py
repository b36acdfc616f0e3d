"""All that can be set for a training, and the file it is set in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file
from Training.networks.registry import NetworkName

Size = tuple[int, int, int]


@dataclass(frozen=True)
class Augmentation:
    """How often and how far a training sample is changed.

    p_...: probability a sample; with "channel" in the name, a channel of such a sample. Ranges are drawn from
    uniformly. Intensities are z-scores. elastic_...: displacements along each axis have this standard deviation
    and are smooth as by a Gaussian of this sigma (Training/elastic.py).

    From p_lesion_paste on, what `Training/lesion_paste.py` and `Training/clinical.py` do; 0 is off. bias_field:
    largest coefficient of the field's logarithm. motion_voxels, slice_voxels: how far the patient moves, how thick
    slices are. intensity_curve: exponents, at least 1. p_cavity: a hole as after surgery, with radii of cavity_voxels.
    p_skull: the head around the brain. p_swap: T2 with FLAIR or T1 with T1Gd. p_no_enhancement: T1 in place of T1Gd.
    p_contrast_dropout: one or two contrasts are missing.
    """

    p_rotation: float
    rotation_degrees: float
    p_scale: float
    scale: tuple[float, float]
    p_mirror: float
    p_elastic: float
    elastic_sigma_voxels: tuple[float, float]
    elastic_deviation_voxels: tuple[float, float]
    p_noise: float
    noise_sigma: tuple[float, float]
    p_blur: float
    blur_sigma_voxels: tuple[float, float]
    p_brightness: float
    brightness: tuple[float, float]
    p_contrast: float
    contrast: tuple[float, float]
    p_channel_shift: float
    channel_shift: tuple[float, float]
    p_low_resolution: float
    low_resolution: tuple[float, float]
    p_channel_degraded: float
    p_gamma: float
    p_gamma_inverted: float
    gamma: tuple[float, float]
    p_lesion_paste: float
    p_bias_field: float
    bias_field: tuple[float, float]
    p_motion: float
    motion_voxels: tuple[float, float]
    p_thick_slices: float
    slice_voxels: tuple[float, float]
    p_intensity_curve: float
    intensity_curve: tuple[float, float]
    p_cavity: float
    cavity_voxels: tuple[float, float]
    p_skull: float
    p_swap: float
    p_no_enhancement: float
    p_contrast_dropout: float


@dataclass(frozen=True)
class Loss:
    """What `Training/losses.py` makes small.

    kind: cross-entropy alone, or plus Dice; over the classes of "softmax", binary over the regions of "sigmoid".
    dice_smooth: voxels added to both sides of the Dice fraction.
    dice_over: "batch": one fraction for all samples of a step, so that a region absent from one of them does not
        make a fraction of its own; "sample": one each.
    missed_weight: share of missed voxels among the errors in the Dice fraction; 0.5 is Dice, more is Tversky's
        index that forgives false voxels sooner.
    focal_gamma: how far the cross-entropy passes over what is right already; 0 is plain.
    """

    kind: Literal["cross_entropy", "dice_cross_entropy"]
    dice_smooth: float
    dice_over: Literal["batch", "sample"]
    missed_weight: float
    focal_gamma: float


@dataclass(frozen=True)
class Config:
    """One training run.

    network: a name of Training/networks/registry.py; `python Training/compare.py --describe` lists them.
    activation: "sigmoid" over the regions WT, TC, ET, or "softmax" over background, NCR, ED, ET.
    patch, whole: (D, H, W) of the two kinds of samples; a step sees `batch_size` patches, or one whole brain
        with probability `p_whole`. Multiples of 16.
    p_tumor: share of the patches whose centre is a tumour voxel.
    batches_per_step: so many batches, shared out over the processes, move the weights together by the mean of
        their gradients: a training is the same on one GPU as on several.
    epochs, steps_per_epoch: how long to train where the command line says nothing else.
    deep_supervision: weight of the next coarser decoder level's loss relative to the finer one's; 0 is off.
    learning_rate: reached after `warmup_steps`, then falls to 0 at the end of the training.
    average_decay: of the exponential moving average of the weights, which is what gets written; 0: none.
    deterministic: the same seed gives the same weights to the last bit on a GPU too, as cuDNN chooses among fewer
        algorithms.
    checkpoint_seconds: from one checkpoint to the next; the last `checkpoints_kept` stay.
    """

    network: NetworkName
    activation: Literal["sigmoid", "softmax"]
    seed: int
    patch: Size
    whole: Size
    p_whole: float
    p_tumor: float
    batch_size: int
    batches_per_step: int
    epochs: int
    steps_per_epoch: int
    optimizer: Literal["sgd", "adamw"]
    learning_rate: float
    schedule: Literal["polynomial", "cosine"]
    warmup_steps: int
    weight_decay: float
    gradient_clip: float
    deep_supervision: float
    average_decay: float
    deterministic: bool
    checkpoint_seconds: float
    checkpoints_kept: int
    loss: Loss
    augmentation: Augmentation


def read_config(path: Path, changes: Sequence[str] = ()) -> Config:
    """Read a YAML file whose keys are those of `Config`; the last word have `changes`, each "key=value".

    Keys of the loss and of the augmentation may be given with or without "loss." or "augmentation." in front.
    Raises SegMambaError naming the key when one is missing, unknown or of the wrong type.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SegMambaError(f"{path}: cannot be read as YAML ({error}).") from error
    config = _parsed(Config, values, "", path)
    for change in changes:
        _apply(change, values)
    return _parsed(Config, values, "", path) if changes else config


def write_config(config: Config, path: Path) -> None:
    """Write a file that `read_config` reads, whole or not at all. Raises SegMambaError when it cannot be written."""
    values = json.loads(json.dumps(asdict(config)))  # tuples become lists
    text = yaml.safe_dump(values, sort_keys=False, default_flow_style=None)
    write_whole_file(path, text.encode())


def _apply(change: str, values: Any) -> None:
    """Write one change into what YAML gave."""
    key, equals, text = change.partition("=")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SegMambaError(f"--set {change}: {text!r} is not a value.") from error
    name = key.removeprefix("augmentation.").removeprefix("loss.")
    for kind, group in ((Config, values), (Augmentation, values["augmentation"]), (Loss, values["loss"])):
        if equals and name in {field.name for field in fields(kind)}:
            group[name] = value
            return
    raise SegMambaError(f"--set {change}: give KEY=VALUE with a key of Training/config.py.")


def _parsed(kind: Any, value: Any, key: str, path: Path) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise SegMambaError(f"{path}: {key or 'the file'} must hold keys and values.")
        prefix = f"{key}." if key else ""
        known = {field.name for field in fields(kind)}
        if missing := sorted(known - set(value)):
            raise SegMambaError(f"{path}: {prefix}{missing[0]} is missing.")
        if unknown := sorted(set(value) - known):
            raise SegMambaError(f"{path}: there is no setting {prefix}{unknown[0]}.")
        hints = get_type_hints(kind)
        return kind(  # type: ignore[operator]
            **{name: _parsed(hints[name], value[name], f"{prefix}{name}", path) for name in known}
        )
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise SegMambaError(f"{path}: {key} must be one of {', '.join(get_args(kind))}, not {value!r}.")
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        if isinstance(value, list) and len(value) == len(kinds):
            return tuple(_parsed(k, v, key, path) for k, v in zip(kinds, value, strict=True))
        raise SegMambaError(f"{path}: {key} must be a list of {len(kinds)} numbers, not {value!r}.")
    expected = (int, float) if kind is float else kind
    if not isinstance(value, expected) or (isinstance(value, bool) and kind is not bool):
        # YAML 1.1 reads 1e-3 as text: it wants 1.0e-3.
        raise SegMambaError(f"{path}: {key} must be of type {kind.__name__}, not {value!r}.")
    return kind(value)
