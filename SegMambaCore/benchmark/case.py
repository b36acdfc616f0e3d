"""One patient from four files to four files, as users start it, and the network's part alone."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from SegMambaCore.benchmark.network import AsInference
from SegMambaCore.benchmark.peers import BASELINE, make_peers
from SegMambaCore.benchmark.processes import run_python
from SegMambaCore.benchmark.report import Report, Row, ratio
from SegMambaCore.benchmark.timing import peak_memory_gb, time_call, time_on_host
from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.case.prepared import PreparedCase
from SegMambaCore.case.read_case import read_case
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.prediction import Prediction
from SegMambaCore.inference.prepared_network import PreparedNetwork
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.model_file.library import find_model
from SegMambaCore.model_file.safetensors_file import read_model
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.network.build import build_network
from SegMambaCore.sample.write import write_sample
from SegMambaCore.segmentation.restore import restore, restore_masks

COLD_STARTS = 3
PATIENTS = 3
"""Of a batch: the first one starts cold, the others show what a warm one takes."""


def measure_case(
    report: Report, device: str, folder: Path | None, model: str | None, *, peers: bool, processes: bool
) -> None:
    """Add the rows to the report.

    folder: of one case; None takes the synthetic sample. model: as of the segment command. peers: also one
    forward pass of SegResNet with 16 filters over 128^3, for a ratio. processes: False leaves the commands out,
    which no memory limit reaches.
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        if folder is None:
            folder = work / "sample"
            write_sample(folder)
            report.notes.append("The case is the synthetic sample.")
        if processes:
            choices = ["--device", device, *(["--model", model] if model else [])]
            report.rows.extend([_cold(folder, work, choices), *_batch(folder, work, choices)])
        network, spec = read_model(find_model(model))
        prepared = prepare_case(read_case(find_case_files(folder)), spec)
    report.rows.extend(_network_parts(report, device, network, spec, prepared))
    if peers:
        _add_ratios(report, device)


def _cold(folder: Path, work: Path, choices: list[str]) -> Row:
    """The segment command, a process each time."""
    arguments = ["-m", "SegMambaCore", "segment", str(folder), "--progress", "json", *choices]
    runs = [run_python([*arguments, "--output", str(work / f"cold-{n}")]) for n in range(COLD_STARTS)]
    seconds = [run.seconds for run in runs]
    median = statistics.median(seconds)
    return {
        "what": "segment, cold process, files to files",
        "seconds": median,
        "spread": (max(seconds) - min(seconds)) / median,
        "peak GB": max(run.peak_gb for run in runs),
    }


def _batch(folder: Path, work: Path, choices: list[str]) -> list[Row]:
    """The batch command on the same patient several times over: what a later one takes, and waits for."""
    patients = work / "patients"
    names = [f"Patient-{number}" for number in range(PATIENTS)]
    for name in names:
        for path in find_case_files(folder).values():
            copy = shutil.copytree if path.is_dir() else shutil.copy
            (patients / name).mkdir(parents=True, exist_ok=True)
            copy(path, patients / name / path.name)
    arguments = ["-m", "SegMambaCore", "batch", str(patients), "--progress", "json", *choices]
    run = run_python([*arguments, "--output", str(work / "batch")])
    began, done = (
        [run.first("patient", case=name, status=status) for name in names] for status in ("running", "done")
    )
    later = [end - start for start, end in zip(began[1:], done[1:], strict=True)]
    waits = [start - end for start, end in zip(began[1:], done, strict=False)]
    return [
        {
            "what": f"batch of {PATIENTS}, whole command, a patient",
            "seconds": run.seconds / PATIENTS,
            "peak GB": run.peak_gb,
        },
        {"what": "batch, a later patient", "seconds": statistics.median(later)},
        {"what": "batch, from one patient to the next", "seconds": statistics.median(waits)},
    ]


def _network_parts(
    report: Report, device: str, network: nn.Module, spec: ModelSpec, prepared: PreparedCase
) -> list[Row]:
    """From the prepared volumes on the host to the regions on the host, in this process, warmed up.

    On a GPU all the ways there are, and `tom` too; its weights are random, which costs the same.
    """
    report.notes.append(f"The network's input: {' x '.join(map(str, prepared.tensor.shape))}.")
    if not device.startswith("cuda"):
        return [_network_part(report, network, spec, prepared, InferenceSettings(device=device))]
    ways = [InferenceSettings(mode, "all", device=device) for mode in ("windows", "onepass")]
    tom = build_network("tom", len(spec.channels), len(spec.outputs))
    models = [(network, spec), (tom, replace(spec, network="tom", name="tom"))]
    return [_network_part(report, *model, prepared, settings) for model in models for settings in ways]


def _network_part(
    report: Report,
    network: nn.Module,
    spec: ModelSpec,
    prepared: PreparedCase,
    settings: InferenceSettings,
) -> Row:
    ready = PreparedNetwork(network)

    def run(_: int = 0) -> Prediction:
        prediction = predict(ready, spec, prepared.tensor, settings)
        assert prediction.masks  # the host has them
        return prediction

    first = run()
    used = first.settings_used
    timing = time_on_host(run, used.device)
    peak = peak_memory_gb(run, used.device)
    on_gpu = _gpu_seconds(run) if used.device.startswith("cuda") else None
    start = time.perf_counter()
    if restore_masks(first.masks, prepared.record) is None:
        restore(first.probabilities, prepared.record, spec)
    row = {
        "what": f"{spec.network}, {used.mode}, mirror {used.mirror}, volumes to regions on the host",
        "seconds": timing.milliseconds / 1000 + time.perf_counter() - start,
        "spread": timing.spread,
        "peak GB": peak,
        "network s": timing.milliseconds / 1000,
        "GPU s": on_gpu,
        "window": " x ".join(map(str, first.window)),
    }
    report.notes.extend(f"{row['what']}: {sentence}" for sentence in first.fallbacks)
    return row


def _gpu_seconds(run: Callable[[], object]) -> float:
    """Between the first and the last work of a run on the GPU, by its own clock."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


def _add_ratios(report: Report, device: str) -> None:
    """Every row as a multiple of one forward pass of SegResNet with 16 filters over 128^3."""
    network = next((network for name, network in make_peers(report.missing) if name == BASELINE), None)
    if network is None:
        return
    forward = AsInference(network, device)
    inputs = forward.inputs((128, 128, 128), device)
    with torch.inference_mode():
        seconds = time_call(lambda i: forward(inputs[i % 2]), device).milliseconds / 1000
    report.rows.append({"what": f"{BASELINE}, one forward pass over 128^3", "seconds": seconds})
    for row in report.rows:
        row[f"x {BASELINE}"] = ratio(row["seconds"], seconds)
