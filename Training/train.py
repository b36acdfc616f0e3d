"""Train a network on packed cases: for so many steps, so many minutes, or as long as the configuration says.

    python Training/train.py --config Training/configs/small.yaml --data PACKS --output DIR --minutes 8 --all
    torchrun --nproc-per-node 4 Training/train.py --config Training/configs/paper.yaml --data PACKS --output DIR --all

Cases, augmentation and network all live on the device. Stopped by whatever, `--resume` goes on from the last
checkpoint as if nothing had happened. `--split FILE` in place of `--all` leaves the held-out cases of a split for
Training/evaluate.py.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.safetensors_file import write_model
from Training.captured_step import zero_gradients
from Training.case_pack import pack_names
from Training.cases import open_cases
from Training.checkpoint import CheckpointFolder
from Training.clock import process_started
from Training.config import Config, read_config
from Training.objective import objective_of
from Training.optimizer import guarded_step, make_optimizer, set_learning_rate
from Training.processes import Processes
from Training.randomness import seed_shared_generators
from Training.run_record import record_of, write_run
from Training.sample_picture import PICTURE_STEPS, SamplePicture
from Training.schedule import Budget, Progress, learning_rate
from Training.split import read_split
from Training.starting_network import starting_network, with_heads
from Training.steps import prepare_steps
from Training.train_arguments import parse_arguments
from Training.training_batch import coming_reads, shows_whole_brain, training_batch
from Training.training_log import TrainingLog
from Training.training_state import TrainingState
from Training.weight_average import WeightAverage


def main() -> None:
    """Read the arguments, train, write DIR/model.safetensors and DIR/training_log.csv."""
    arguments = parse_arguments(__doc__)
    try:
        config = read_config(arguments.config, arguments.set)
        names = pack_names(arguments.data) if arguments.all else list(read_split(arguments.split).training)
        steps, seconds = arguments.steps, arguments.minutes and 60 * arguments.minutes
        if steps is None and seconds is None:
            steps = config.epochs * config.steps_per_epoch
        train(
            config,
            arguments.data,
            names,
            arguments.output,
            Budget(steps, seconds),
            start=arguments.start,
            resume=arguments.resume,
            split=arguments.split,
            changes=arguments.set,
        )
    except (SegMambaError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def train(
    config: Config,
    data: Path,
    names: list[str],
    output: Path,
    budget: Budget,
    *,
    start: Path | None = None,
    resume: bool = False,
    split: Path | None = None,
    changes: Sequence[str] = (),
    started: float | None = None,
) -> None:
    """Train on the named packs until the budget is spent, alone or together with the processes that torchrun started.

    start: a model file whose weights to begin with, for instance those of an earlier training.
    split: the file that the names are from; changes: how the configuration differs from its file. Both are told by
        what the training leaves behind.
    started: when the seconds of the budget began, on the scale of `time.monotonic`; with the process by default.

    Raises SegMambaError when a pack, the checkpoint or the model to start with is missing or does not fit, when
    a file cannot be written, or when no step gives finite gradients any more.
    """
    processes = Processes(process_started() if started is None else started)
    device, batches = processes.device, processes.share_of(config.batches_per_step)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = not config.deterministic
    torch.backends.cudnn.deterministic = config.deterministic

    checkpoints = CheckpointFolder(output / "checkpoints", config, names)
    saved = processes.told(checkpoints.open(resume=resume) if processes.is_first else None)
    progress = Progress(**saved["progress"]) if saved else Progress()

    cases = open_cases(data, names, device)
    seed_shared_generators(config.seed)
    begun = starting_network(config, start, device)
    network, average = begun.network, WeightAverage(begun.network, config.average_decay)
    record = record_of(config, names, begun, processes, split, changes)
    if processes.is_first and saved is None:
        write_run(record, output)
    trained = with_heads(network, config)
    optimizer = make_optimizer(trained, config)
    processes.say(
        f"{len(cases)} cases, network {config.network}, {processes.count} x {device.type}; "
        f"the cases are {cases.where}"
    )

    gradients = zero_gradients(trained)
    objective = objective_of(trained, config, device)
    steps = prepare_steps(objective, cases, config, 1 / len(batches), processes.say)

    seed_shared_generators(config.seed + processes.number)
    state = TrainingState(trained, average, optimizer, progress)
    log = TrainingLog(output, processes, budget, progress)
    picture = SamplePicture(cases, config)
    if saved:
        state.restore(saved, log, processes)
    cases.expect(coming_reads(cases, config, progress.step, batches))
    budget.begin(progress, processes.now())
    last_saved, rate = progress.used_seconds, 0.0

    while not budget.is_spent(progress):
        whole = shows_whole_brain(config, progress.step)
        rate = learning_rate(config, progress.step, budget.done(progress))
        set_learning_rate(optimizer, rate)
        torch._foreach_zero_(gradients)
        loss = torch.zeros((), device=device)
        for batch in batches:
            log.timing.mark()
            images, labels = training_batch(cases, config, whole, progress.step, batch)
            log.timing.mark()
            loss = loss + steps[whole](images, labels)
            log.timing.mark()
        processes.average(gradients)
        skipped = guarded_step(trained, optimizer, config.gradient_clip)
        average.update(network, progress.step)

        budget.advance(progress, processes.now())
        log.add(progress, loss, skipped, whole, rate)
        if progress.step % PICTURE_STEPS == 0 and processes.is_first:
            log.add_picture(picture.draw(average.network), progress.step)
        if progress.used_seconds - last_saved > config.checkpoint_seconds:
            state.save(checkpoints, log, processes)
            last_saved = progress.used_seconds

    if progress.step % PICTURE_STEPS and processes.is_first:
        log.add_picture(picture.draw(average.network), progress.step)
    log.finish(progress, rate)
    state.save(checkpoints, log, processes)
    if processes.is_first:
        spec = record.spec(progress.step, progress.used_seconds)
        write_model(average.network, spec, output / "model.safetensors")
        processes.say(f"wrote {output / 'model.safetensors'}")


if __name__ == "__main__":
    main()
