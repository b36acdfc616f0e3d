"""The networks reproduce the public code: names, shapes, outputs, loss.

`parity/` holds outputs of the public code's own CUDA kernels for weights and an input that `seeded.py` rebuilds.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from SegMambaCore.network.build import build_network

PARITY = Path(__file__).parent / "parity"
PARAMETERS = {"tom": 67_416_196, "paper": 58_547_956}


def seeded_module():
    spec = importlib.util.spec_from_file_location("seeded", PARITY / "seeded.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public_shapes(name):
    return json.loads((PARITY / f"state_dict_{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PARAMETERS)
def test_names_shapes_and_parameter_count_are_the_public_ones(name):
    network = build_network(name)
    assert {key: list(value.shape) for key, value in network.state_dict().items()} == public_shapes(name)
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", PARAMETERS)
def test_output_and_loss_equal_the_public_code(name):
    seeded, public = seeded_module(), np.load(PARITY / f"{name}_128.npz")
    network = build_network(name).eval().to(memory_format=torch.channels_last_3d)
    network.load_state_dict(
        {key: torch.from_numpy(seeded.seeded_array(key, shape)) for key, shape in public_shapes(name).items()}
    )
    with torch.inference_mode():
        logits = network(torch.from_numpy(seeded.seeded_input(128)))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(seeded.seeded_labels(128)))
    expected = torch.from_numpy(public["out"])
    error = (logits[0, :, ::4, ::4, ::4] - expected).norm() / expected.norm()
    assert error < 1e-4
    assert loss.item() == pytest.approx(public["loss"].item(), abs=1e-5)
