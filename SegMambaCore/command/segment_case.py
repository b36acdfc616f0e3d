"""One case through a network that is loaded already: what `segment` does once and `batch` again and again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.command.choices import Choices
from SegMambaCore.command.dicom_output import DICOM_SEG_FILE, write_dicom_output
from SegMambaCore.command.make_ready import ReadyStudy
from SegMambaCore.command.output_folder import all_or_nothing
from SegMambaCore.command.progress import Result
from SegMambaCore.command.steps import Steps
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.measures.measure import measure
from SegMambaCore.measures.midsagittal import find_midsagittal_plane
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.preparation.keep import keep_preparation
from SegMambaCore.report.report import Run, write_report
from SegMambaCore.segmentation.dicom_seg import Algorithm
from SegMambaCore.segmentation.regions import LabelConvention
from SegMambaCore.segmentation.restore import restore, restore_masks
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.trust import assess_trust
from SegMambaCore.segmentation.write import write_label_map, write_seg_nrrd

# PyTorch and matplotlib take seconds to import. What needs them is imported where it is used: a
# mistake in the arguments is answered at once, and the volumes are read meanwhile.
if TYPE_CHECKING:
    from SegMambaCore.inference.prepared_network import PreparedNetwork

OUTPUT_FILES = {
    "label_map": "segmentation.nii.gz",
    "segments": "segmentation.seg.nrrd",
    "report": "report.json",
    "overview": "overview.png",
    "check": "check.png",
}


@dataclass(frozen=True)
class LoadedModel:
    """sha256: of the file that the network was read from."""

    network: PreparedNetwork
    spec: ModelSpec
    sha256: str


def load_model(path: Path, settings: InferenceSettings) -> LoadedModel:
    """Import PyTorch, make sure that the device exists, read the network and make it ready there.

    Raises SegMambaError when the device or the model is of no use.
    """
    # Read by PyTorch's allocator at its start, on Linux: with large tensors in large pages a forward takes a
    # seventh less time, which page faults took.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    from SegMambaCore.inference.device import choose_device
    from SegMambaCore.inference.prepared_network import PreparedNetwork
    from SegMambaCore.model_file.safetensors_file import read_model

    choose_device(settings.device)
    network, spec = read_model(path)
    ready = PreparedNetwork(network)
    ready.warm_up(settings, spec)
    return LoadedModel(ready, spec, model_sha256(path))


def model_sha256(path: Path) -> str:
    """Return what a report says of the model's file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def segment_case(
    study: ReadyStudy, model: LoadedModel, choices: Choices, output: Path, steps: Steps
) -> Result:
    """Segment a study that is ready and write the files into the folder `output`, all or none.

    They are the four of `OUTPUT_FILES`, what is kept of the preparation, and a DICOM SEG where the reference is a
    DICOM series.

    steps: goes on with "segment" and "write".
    Raises SegMambaError when memory or the disk does not suffice, CancelledError when asked to stop.
    """
    from SegMambaCore.benchmark.timing import with_peak_memory
    from SegMambaCore.inference.device import choose_device, device_name
    from SegMambaCore.inference.predict import predict
    from SegMambaCore.report.check_page import write_check_page

    case, prepared = study.preparation.case, study.prepared
    for warning in study.warnings:
        steps.progress.warning(warning)
    steps.begin("segment")
    prediction, peak_memory_gb = with_peak_memory(
        lambda: predict(
            model.network,
            model.spec,
            prepared.tensor,
            choices.settings,
            on_progress=steps.progress.progress,
            is_cancelled=steps.is_cancelled,
        ),
        choose_device(choices.settings.device),
    )
    for fallback in prediction.fallbacks:
        steps.progress.warning(fallback)
    segmentation = restore_masks(prediction.masks, prepared.record)
    if segmentation is None:
        segmentation = restore(prediction.probabilities, prepared.record, model.spec)
    trust = assess_trust(prepared.tensor, *prediction.tensors, model.spec)
    for warning in trust.warnings:
        steps.progress.warning(warning)

    steps.begin("write")
    with all_or_nothing(output, seal=OUTPUT_FILES["report"], outdated=(DICOM_SEG_FILE,)) as folder:
        _write_masks_and_picture(case, segmentation, model.spec, choices.labels, folder)
        write_check_page(study.preparation, study.check, study.warnings, folder / OUTPUT_FILES["check"])
        algorithm = Algorithm(model.spec.name, model.sha256)
        dicom_notes = write_dicom_output(case, segmentation, algorithm, folder)
        for note in dicom_notes:
            steps.progress.warning(note)
        files = OUTPUT_FILES | ({"dicom_seg": DICOM_SEG_FILE} if (folder / DICOM_SEG_FILE).exists() else {})
        run = Run(
            case=case,
            measures=measure(segmentation, case.volumes, find_midsagittal_plane(case.reference_volume)),
            label_convention=choices.labels,
            model=model.spec,
            model_sha256=model.sha256,
            settings_asked=choices.settings,
            settings_used=prediction.settings_used,
            device_name=device_name(prediction.settings_used.device),
            started=steps.started,
            finished=datetime.now().astimezone(),
            seconds=steps.seconds(),
            peak_memory_gb=peak_memory_gb,
            fallbacks=prediction.fallbacks,
            trust=trust,
            warnings=(*study.warnings, *trust.warnings, *dicom_notes),
            preparation=study.preparation if choices.preparation else None,
            similarity=study.check.similarity,
        )
        write_report(run, folder / OUTPUT_FILES["report"])
        kept = keep_preparation(study.preparation, folder) if choices.keep_preparation else {}
        steps.stop_if_cancelled()

    return Result(
        output=output,
        files={**files, **kept},
        volumes_ml={region: segmentation.volume_ml(region) for region in segmentation.masks},
        device=prediction.settings_used.device.partition(":")[0],
        seconds=sum(steps.seconds().values()),
    )


def _write_masks_and_picture(
    case: Case, segmentation: Segmentation, spec: ModelSpec, convention: LabelConvention, folder: Path
) -> None:
    from SegMambaCore.report.overview import write_overview

    write_label_map(segmentation, folder / OUTPUT_FILES["label_map"], convention)
    write_seg_nrrd(segmentation, folder / OUTPUT_FILES["segments"], spec.name)
    title = f"Tumor segmentation by {spec.name} on {ROLE_TITLES[case.reference]}, {date.today().isoformat()}"
    write_overview(case, segmentation, folder / OUTPUT_FILES["overview"], title)
