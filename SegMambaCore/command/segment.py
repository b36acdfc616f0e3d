"""Segment a brain tumor in four MRI volumes: whole tumor (WT), tumor core (TC), enhancing tumor (ET)."""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from SegMambaCore.case.case import ROLE_TITLES, ROLES, Case
from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.case.read_case import read_case
from SegMambaCore.command.cancel import cancel_on_signal
from SegMambaCore.command.output_folder import all_or_nothing, check_output_folder
from SegMambaCore.command.progress import Phase, Progress, Result, make_progress
from SegMambaCore.errors import CancelledError, SegMambaError
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.measures.measure import measure
from SegMambaCore.measures.midsagittal import find_midsagittal_plane
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.model_file.library import find_model
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.report.report import Run, write_report
from SegMambaCore.segmentation.regions import LabelConvention
from SegMambaCore.segmentation.restore import restore
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.write import write_label_map, write_seg_nrrd

# PyTorch, MONAI and matplotlib take seconds to import. What needs them is imported where it is used: a
# mistake in the arguments is answered at once, and the volumes are read meanwhile.
if TYPE_CHECKING:
    from torch import nn

OUTPUT_FILES = {
    "label_map": "segmentation.nii.gz",
    "segments": "segmentation.seg.nrrd",
    "report": "report.json",
    "overview": "overview.png",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the inputs, the output and the choices there are."""
    parser.add_argument(
        "folder", nargs="?", type=Path, help="folder of one BraTS case, instead of the four files"
    )
    for role in ROLES:
        parser.add_argument(f"--{role}", type=Path, metavar="FILE", help=f"{ROLE_TITLES[role]} volume")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--model", help="name or .safetensors file (default: the first that `models` lists)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    parser.add_argument(
        "--mode",
        choices=["auto", "windows", "onepass"],
        default="auto",
        help="overlapping patches, or the whole brain at once (default: patches on a GPU, at once on a CPU)",
    )
    parser.add_argument(
        "--mirror",
        choices=["auto", "none", "leftright", "all"],
        default="auto",
        help="average over 1, 2 or 8 reflections (default: all on a GPU, none on a CPU)",
    )
    parser.add_argument(
        "--overlap", type=float, default=0.5, help="of neighbouring patches, 0 to 1 (default: 0.5)"
    )
    parser.add_argument(
        "--reference",
        choices=ROLES,
        default="t1c",
        help="the volume whose voxels the result has (default: t1c)",
    )
    parser.add_argument(
        "--labels",
        choices=["brats2021", "brats2023"],
        default="brats2023",
        help="label of enhancing tumor in the label map: 4 or 3 (default: brats2023)",
    )
    parser.add_argument(
        "--progress", choices=["bar", "json", "none"], default="bar", help="for people, programs or nobody"
    )


def run(args: argparse.Namespace) -> int:
    """Segment the case; write all four files or none.

    Raises SegMambaError for what the user can mend, CancelledError when asked to stop.
    """
    try:
        settings = InferenceSettings(args.mode, args.mirror, args.overlap, args.device)
    except ValueError as error:
        args.usage_error(str(error))
    if args.folder and any(getattr(args, role) for role in ROLES):
        args.usage_error("give a folder or the four files, not both")

    progress = make_progress(args.progress)
    try:
        with cancel_on_signal() as is_cancelled:
            result = _segment(args, settings, _Steps(progress, is_cancelled))
    except SegMambaError as error:
        progress.error(str(error))
        raise
    except CancelledError:
        raise
    except MemoryError as error:
        message = "Out of memory. Close other programs and try again."
        progress.error(message)
        raise SegMambaError(message) from error
    except Exception as error:
        progress.error(f"SegMamba failed unexpectedly ({type(error).__name__}: {error}).")
        raise
    progress.result(result)
    return 0


def _segment(args: argparse.Namespace, settings: InferenceSettings, steps: _Steps) -> Result:
    """From four files to four files."""
    started = datetime.now().astimezone()
    check_output_folder(args.output)
    paths = _input_paths(args)
    model_path = find_model(args.model)
    spec = read_spec(model_path)

    with ThreadPoolExecutor(max_workers=1) as background:
        loading = background.submit(_load, model_path, settings.device)
        steps.begin("read")
        case = read_case(paths, args.reference)
        steps.begin("prepare")
        prepared = prepare_case(case, spec)
        for warning in prepared.warnings:
            steps.progress.warning(warning)
        steps.begin("load")
        network = loading.result()

    from SegMambaCore.inference.device import device_name
    from SegMambaCore.inference.predict import predict

    steps.begin("segment")
    prediction = predict(
        network,
        spec,
        prepared.tensor,
        settings,
        on_progress=steps.progress.progress,
        is_cancelled=steps.is_cancelled,
    )
    for fallback in prediction.fallbacks:
        steps.progress.warning(fallback)
    segmentation = restore(prediction.probabilities, prepared.record, spec)

    steps.begin("write")
    with all_or_nothing(args.output) as folder:
        _write_masks_and_picture(case, segmentation, spec, args.labels, folder)
        run = Run(
            case=case,
            measures=measure(segmentation, case.volumes, find_midsagittal_plane(case.reference_volume)),
            label_convention=args.labels,
            model=spec,
            model_sha256=hashlib.sha256(model_path.read_bytes()).hexdigest(),
            settings_asked=settings,
            settings_used=prediction.settings_used,
            device_name=device_name(prediction.settings_used.device),
            started=started,
            finished=datetime.now().astimezone(),
            seconds=steps.seconds(),
            fallbacks=prediction.fallbacks,
            warnings=prepared.warnings,
        )
        write_report(run, folder / OUTPUT_FILES["report"])
        steps.stop_if_cancelled()

    return Result(
        output=args.output,
        files=OUTPUT_FILES,
        volumes_ml={region: segmentation.volume_ml(region) for region in segmentation.masks},
        device=prediction.settings_used.device.partition(":")[0],
        seconds=sum(steps.seconds().values()),
    )


def _input_paths(args: argparse.Namespace) -> dict[str, Path]:
    if args.folder:
        return find_case_files(args.folder)
    paths: dict[str, Path] = {role: getattr(args, role) for role in ROLES}
    missing = [f"--{role}" for role, path in paths.items() if path is None]
    if missing:
        args.usage_error(f"give a folder, or all four files: {', '.join(missing)} missing")
    for role, path in paths.items():
        if not path.exists():
            raise SegMambaError(f"{ROLE_TITLES[role]}: {path}: there is no such file. Check the name.")
    return paths


def _load(model_path: Path, device: str) -> nn.Module:
    """Import PyTorch, make sure that the device exists, and read the network."""
    # Read by PyTorch's allocator at its start, on Linux: with large tensors in large pages a forward takes a
    # seventh less time, which page faults took.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    from SegMambaCore.inference.device import choose_device
    from SegMambaCore.model_file.safetensors_file import read_model

    choose_device(device)
    network, _ = read_model(model_path)
    return network


def _write_masks_and_picture(
    case: Case, segmentation: Segmentation, spec: ModelSpec, convention: LabelConvention, folder: Path
) -> None:
    from SegMambaCore.report.overview import write_overview

    write_label_map(segmentation, folder / OUTPUT_FILES["label_map"], convention)
    write_seg_nrrd(segmentation, folder / OUTPUT_FILES["segments"], spec.name)
    title = f"Tumor segmentation by {spec.name} on {ROLE_TITLES[case.reference]}, {date.today().isoformat()}"
    write_overview(case, segmentation, folder / OUTPUT_FILES["overview"], title)


class _Steps:
    """Announces the phases, takes their time, and stops between them when asked to."""

    def __init__(self, progress: Progress, is_cancelled: Callable[[], bool]) -> None:
        self.progress = progress
        self.is_cancelled = is_cancelled
        self._starts: list[tuple[Phase, float]] = []

    def begin(self, phase: Phase) -> None:
        """A phase begins, and the one before it is over. Raises CancelledError."""
        self.stop_if_cancelled()
        self._starts.append((phase, time.perf_counter()))
        self.progress.phase(phase)

    def stop_if_cancelled(self) -> None:
        """Raise CancelledError when the user asked to stop."""
        if self.is_cancelled():
            raise CancelledError

    def seconds(self) -> dict[str, float]:
        """Wall time by phase, up to now."""
        ends = [start for _, start in self._starts[1:]] + [time.perf_counter()]
        return {phase: end - start for (phase, start), end in zip(self._starts, ends, strict=True)}
