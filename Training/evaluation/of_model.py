"""A model, or several as an ensemble, measured on the packs of cases that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from torch import nn
from tqdm import tqdm

from SegMambaCore.benchmark.timing import with_peak_memory
from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.device import choose_device, device_name
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.prepared_network import PreparedNetwork
from SegMambaCore.inference.settings import InferenceSettings, Mirror, Mode
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.expected_dice import expected_dice
from SegMambaCore.segmentation.region_probabilities import region_probabilities
from SegMambaCore.segmentation.regions import regions_from_label_map
from Training.case_pack import SUFFIX, read_pack
from Training.ensemble import read_ensemble
from Training.evaluation.processes import process_pool
from Training.evaluation.regions import compare_regions
from Training.evaluation.table import Row

WAYS: tuple[tuple[Mode, Mirror], ...] = (("windows", "all"), ("onepass", "none"), ("onepass", "all"))
"""A GPU's default, a CPU's default, and what mirrors would add to the latter."""


def read_unseeing(models: Sequence[Path], packs: Sequence[Path]) -> tuple[nn.Module, ModelSpec]:
    """Return network and spec of a model, or of several that answer together, which has seen none of the cases.

    Raises SegMambaError when a model cannot be read, a pack is missing, or a model was trained on one of them.
    """
    names = [path.name.removesuffix(SUFFIX) for path in packs]
    if missing := [path for path in packs if not path.is_file()]:
        raise SegMambaError(f"{missing[0]}: there is no such pack. Run Training/prepare.py first.")
    network, spec = read_ensemble(models)
    if seen := sorted(set(names) & set(spec.cases)):
        raise SegMambaError(
            f"{', '.join(map(str, models))}: was trained on {len(seen)} of the {len(names)} cases to measure it on"
            f" ({seen[0]}, ...).\n"
            "Measure a model that was trained with --split on the held-out cases of that split."
        )
    return network, spec


def evaluate_model(
    models: Sequence[Path],
    packs: Sequence[Path],
    ways: Sequence[tuple[Mode, Mirror]],
    conventions: Sequence[str],
    *,
    device: str = "auto",
    workers: int = 1,
) -> list[Row]:
    """Return a row for each way and case: its name, what ran, the sizes and every figure.

    models: files; several answer together. `seconds` are the network's alone. `peak_gb` are GB (1e9 bytes) at the
    peak, of all tensors on a GPU, on a CPU what the process grew by. Figures are taken on the box around the brain,
    where the model works, by `workers` processes while the network goes on to the next case. `expected_dice_` are
    what the network's own probabilities promise.
    Raises SegMambaError when the model or a pack cannot be read, or the model was trained on one of the cases.
    """
    network, spec = read_unseeing(models, packs)
    ready = PreparedNetwork(network)
    where = choose_device(device)
    jobs = []
    with process_pool(workers) as pool, ThreadPoolExecutor(1) as reader:
        for pack in tqdm(reader.map(read_pack, packs), total=len(packs), unit="case"):
            reference = regions_from_label_map(pack.labels, "brats2023", pack.name)
            tensor = pack.tensor()
            for mode, mirror in ways:
                settings = InferenceSettings(mode=mode, mirror=mirror, device=device)
                prediction, peak_gb = with_peak_memory(partial(predict, ready, spec, tensor, settings), where)
                row: Row = {"case": pack.name, "mode": mode, "mirror": mirror, "network": spec.network}
                row |= {"device": device_name(prediction.settings_used.device), "seconds": prediction.seconds}
                row["peak_gb"], masks = peak_gb, prediction.masks
                probabilities, decided = prediction.tensors
                promises = expected_dice(region_probabilities(probabilities, spec), decided)
                row |= {f"expected_dice_{region}": value for region, value in promises.items()}
                jobs.append((row, pool.submit(compare_regions, masks, reference, spec.spacing, conventions)))
        rows = [row | figures.result() for row, figures in jobs]
    order = [(str(mode), str(mirror)) for mode, mirror in ways]
    return sorted(
        rows, key=lambda row: (order.index((str(row["mode"]), str(row["mirror"]))), str(row["case"]))
    )
