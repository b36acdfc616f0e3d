"""Train a network on packed cases within a fixed number of minutes.

    python Training/train.py --config Training/configs/small.yaml --data PACKS --output DIR --minutes 8 --all

Cases, augmentation and network all live on the device. The schedule follows the clock, not the number of
steps. Stopped by force, `--resume` goes on from the last checkpoint with what is left of the minutes.
`--split FILE` in place of `--all` leaves the held-out cases of a split for Training/evaluate.py.
"""
# ruff: noqa: E402

import time

STARTED = time.monotonic()  # the minutes count from here: imports and preparations are part of them

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.safetensors_file import write_model
from SegMambaCore.model_file.spec import ModelSpec
from Training.augmentation import augment_intensities
from Training.captured_step import Objective, captured, with_gradients
from Training.case_pack import SUFFIX
from Training.case_store import NOT_BRAIN, CaseStore, read_packs
from Training.checkpoint import Progress, load_checkpoint, save_checkpoint
from Training.config import Config, read_config
from Training.deep_supervision import AuxiliaryHeads
from Training.model_spec import OUTPUTS, model_spec
from Training.networks.model_file import read_model
from Training.networks.registry import build_network
from Training.objective import objective_of
from Training.sampling import draw_batch
from Training.split import read_split
from Training.training_log import TrainingLog
from Training.weight_average import WeightAverage

FINISH_SECONDS = 5.0
"""Kept back from the minutes for writing the weights."""


def main() -> None:
    """Read the arguments, train, write DIR/model.safetensors and DIR/training_log.csv."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the configuration"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, required=True, help="in total, from the start of the process"
    )
    cases = parser.add_mutually_exclusive_group(required=True)
    cases.add_argument("--split", type=Path, help="train on the training cases of this split alone")
    cases.add_argument("--all", action="store_true", help="train on every pack in the folder")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in the output folder"
    )
    parser.add_argument("--start", type=Path, help="begin with the weights of this model file, not at random")
    parser.add_argument("--max-steps", type=int, default=sys.maxsize, help="stop earlier, for a rehearsal")
    arguments = parser.parse_args()
    try:
        if arguments.all:
            names = sorted(path.name.removesuffix(SUFFIX) for path in arguments.data.glob(f"*{SUFFIX}"))
        else:
            names = list(read_split(arguments.split).training)
        train(
            read_config(arguments.config, arguments.set),
            arguments.data,
            names,
            arguments.output,
            seconds=60 * arguments.minutes,
            start=arguments.start,
            resume=arguments.resume,
            max_steps=arguments.max_steps,
            changes=arguments.set,
        )
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def train(
    config: Config,
    data: Path,
    names: list[str],
    output: Path,
    *,
    seconds: float,
    start: Path | None = None,
    resume: bool,
    max_steps: int,
    changes: Sequence[str] = (),
) -> None:
    """Train on the named packs until `seconds` after the start of the process, or for `max_steps` steps.

    start: a model file whose weights to begin with, for instance those of an earlier training.
    changes: how the configuration differs from its file, to be told in the model file.

    Raises SegMambaError when a pack, the checkpoint or the model to start with is missing or does not fit, or
    when no step gives finite gradients any more.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)

    store = CaseStore(read_packs(data, names), device, config.seed)
    network = build_network(config.network, 4, len(OUTPUTS[config.activation]))
    network = network.to(device=device, memory_format=torch.channels_last_3d).train()  # type: ignore[call-overload]
    history, seen = "", set(names)
    if start is not None:
        begun = _start_with(network, start, config)
        history = f"; begun with the weights of {begun.name} ({begun.training})"
        seen.update(begun.cases)
    average = WeightAverage(network, config.average_decay)
    trained = _with_heads(network, config).to(device)
    optimizer = _optimizer(trained, config)

    output.mkdir(parents=True, exist_ok=True)
    checkpoint = output / "checkpoint.pt"
    progress = Progress()
    if resume:
        progress = load_checkpoint(checkpoint, config, names, trained, average, optimizer, rng)
    _say(f"{len(store)} cases, network {config.network}, {device}; starts at {_elapsed():.1f} s")

    steps = _steps(objective_of(trained, config, device), store, config, trained)

    # The time before this line is used up, but the schedule has not moved.
    loop_started = _elapsed()
    used_before, trained_before = progress.used_seconds, progress.trained_seconds
    deadline = seconds - used_before - FINISH_SECONDS
    schedule_seconds = trained_before + deadline - loop_started
    last_checkpoint = loop_started
    log = TrainingLog(output / "training_log.csv", device, progress.step)

    while _elapsed() < deadline and progress.step < max_steps:
        whole = bool(rng.random() < config.p_whole)
        images, labels = _draw(store, config, whole, rng)
        done = max(progress.trained_seconds / schedule_seconds, progress.step / max_steps)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, progress.step, done)

        loss = steps[whole](images, labels)
        skipped = guarded_step(trained, optimizer, config.gradient_clip)
        average.update(network, progress.step)

        progress.step += 1
        progress.trained_seconds = trained_before + _elapsed() - loop_started
        progress.used_seconds = used_before + _elapsed()
        log.add(loss, skipped, whole)
        if log.is_due():
            log.report(progress, learning_rate(config, progress.step, done), deadline - _elapsed())
        if _elapsed() - last_checkpoint > config.checkpoint_seconds:
            save_checkpoint(checkpoint, config, names, progress, trained, average, optimizer, rng)
            last_checkpoint = _elapsed()

    log.report(progress, 0.0, 0.0)
    save_checkpoint(checkpoint, config, names, progress, trained, average, optimizer, rng)
    training = (
        f"{len(store)} BraTS cases, {progress.step} steps in {progress.used_seconds / 60:.1f} minutes, "
        f"{config.optimizer}, patches of {config.patch} and whole brains of {config.whole}"
        f"{''.join(f', {change}' for change in changes)}{history}"
    )
    spec = model_spec(config.activation, config.network, config.patch, training, seen)
    write_model(average.network, spec, output / "model.safetensors")
    _say(f"wrote {output / 'model.safetensors'} at {_elapsed():.1f} s")


def learning_rate(config: Config, step: int, done: float) -> float:
    """Return the rate of a step when the fraction `done` of the training time has passed."""
    done = min(max(done, 0.0), 1.0)
    shape = (1 - done) ** 0.9 if config.schedule == "polynomial" else 0.5 * (1 + math.cos(math.pi * done))
    return config.learning_rate * shape * min(1.0, (step + 1) / config.warmup_steps)


def _start_with(network: nn.Module, start: Path, config: Config) -> ModelSpec:
    """Load a model file's weights into the network; return what the file says about them."""
    begun, spec = read_model(start)
    if (spec.network, spec.activation) != (config.network, config.activation):
        raise SegMambaError(
            f"{start}: holds network {spec.network} with {spec.activation}, the configuration wants "
            f"{config.network} with {config.activation}. Start with a model of that kind."
        )
    network.load_state_dict(begun.state_dict())
    return spec


def _with_heads(network: nn.Module, config: Config) -> nn.Module:
    """What the steps train: the network, in training mode, with auxiliary heads where they are wanted."""
    if not config.deep_supervision:
        return network
    return AuxiliaryHeads(network, 4, len(OUTPUTS[config.activation]), config.deep_supervision).train()


def guarded_step(network: nn.Module, optimizer: torch.optim.Optimizer, gradient_clip: float) -> Tensor:
    """Clip the gradients and move the weights; return 1 if no step was taken, 0 otherwise.

    Where a gradient is not finite, weights and the optimizer's memory stay as they are. The host does not
    wait.
    """
    norm = nn.utils.clip_grad_norm_(network.parameters(), gradient_clip)
    skipped = (~torch.isfinite(norm)).float()
    optimizer.found_inf = skipped  # type: ignore[attr-defined]  # read by the fused optimizers
    optimizer.step()
    return skipped


def _draw(store: CaseStore, config: Config, whole: bool, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Augmented images (B, channels, D, H, W), channels last, and labels uint8 (B, 1, D, H, W)."""
    images, tissue = draw_batch(store, config, whole, rng)
    images = augment_intensities(images, tissue != NOT_BRAIN, config.augmentation, rng)
    labels = (tissue.int() - 1).clamp_(min=0).to(torch.uint8)
    return images.contiguous(memory_format=torch.channels_last_3d), labels


def _optimizer(network: nn.Module, config: Config) -> torch.optim.Optimizer:
    """Weight decay for the matrices and kernels alone, not for biases nor for the state space's A and D."""
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    decayed = [p for name, p in named if p.ndim > 1 and not name.endswith("_log")]
    free = [p for name, p in named if p.ndim <= 1 or name.endswith("_log")]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": free, "weight_decay": 0.0}]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    optimizer = torch.optim.SGD(groups, lr=config.learning_rate, momentum=0.99, nesterov=True, fused=True)
    for parameter in (*decayed, *free):
        # Otherwise a skipped first step would leave this memory as it was found.
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def _steps(objective: Objective, store: CaseStore, config: Config, network: nn.Module) -> list[Objective]:
    """Return the step for patches and the one for whole brains, with their costs told; no weight changes."""
    rng = np.random.default_rng(
        config.seed
    )  # its own: a resumed training draws on where the last one stopped
    step = with_gradients(objective, [p for p in network.parameters() if p.requires_grad])
    steps = []
    for whole in (False, True):
        started = time.monotonic()
        images, labels = _draw(store, config, whole, rng)
        steps.append(captured(step, images, labels) if store.codes.is_cuda else step)
        _synchronize(images.device)
        prepared, seconds = time.monotonic(), []
        for _ in range(2):
            begun = time.monotonic()
            images, labels = _draw(store, config, whole, rng)
            _synchronize(images.device)
            drawn = time.monotonic()
            steps[-1](images, labels)
            _synchronize(images.device)
            seconds.append((drawn - begun, time.monotonic() - drawn))
        shape = " x ".join(map(str, images.shape))
        drawing, computing = (min(column) for column in zip(*seconds, strict=True))
        _say(
            f"{shape}: ready in {prepared - started:.1f} s, then {drawing:.4f} s drawing, {computing:.4f} s step"
        )
    if store.codes.is_cuda:
        _say(f"peak memory {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
    return steps


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _elapsed() -> float:
    """Seconds since the process started."""
    return time.monotonic() - STARTED


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    main()
