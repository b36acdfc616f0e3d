"""Several models answer as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.model_file.safetensors_file import write_model
from SegMambaCore.model_file.spec import ModelSpec
from Testing.Training.synthetic import brain_tensor
from Training.ensemble import Ensemble, read_ensemble
from Training.model_spec import Activation, model_spec
from Training.networks.model_file import read_model
from Training.networks.registry import build_network

ONE_PASS = InferenceSettings(mode="onepass", mirror="none", device="cpu")


def model(path: Path, seed: int, activation: Activation = "sigmoid", **changes: object) -> Path:
    torch.manual_seed(seed)
    spec: ModelSpec = model_spec(activation, "segresnet-16", cases=[f"case{seed}", "common"])
    write_model(build_network("segresnet-16", 4, len(spec.outputs)), replace(spec, **changes), path)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_probabilities_are_the_mean_of_the_members(tmp_path, activation):
    torch.set_num_threads(1)
    paths = [model(tmp_path / f"{seed}.safetensors", seed, activation) for seed in (1, 2, 3)]
    tensor = brain_tensor((16, 16, 16))
    alone = [predict(*read_model(path), tensor, ONE_PASS).probabilities for path in paths]
    network, spec = read_ensemble(paths)
    together = predict(network, spec, tensor, ONE_PASS).probabilities
    assert np.abs(alone[0] - alone[1]).max() > 0.01
    np.testing.assert_allclose(together, np.mean(alone, axis=0), atol=2e-5)


def test_certain_members_give_finite_logits():
    class Certain(torch.nn.Module):
        def forward(self, x):
            return torch.full_like(x, 200.0)

    for softmax in (False, True):
        logits = Ensemble([Certain(), Certain()], softmax)(torch.zeros(1, 3, 2, 2, 2))
        assert torch.isfinite(logits).all()


def test_it_knows_what_all_its_members_were_trained_on(tmp_path):
    paths = [model(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2)]
    _, spec = read_ensemble(paths)
    assert spec.cases == ("case1", "case2", "common")
    assert spec.network == "segresnet-16 + segresnet-16"
    assert read_ensemble(paths[:1])[1] == read_model(paths[0])[1]


def test_limits_that_one_member_has_are_not_the_ensembles(tmp_path):
    limits, none = {"least_volume_ml": {"ET": 0.1}}, {"least_volume_ml": {}}
    alike = [
        model(tmp_path / f"{seed}.safetensors", seed, missing_contrasts=seed, **limits) for seed in (1, 2)
    ]
    _, spec = read_ensemble(alike)
    assert (spec.least_volume_ml, spec.missing_contrasts) == ({"ET": 0.1}, 1)
    assert read_ensemble([alike[0], model(tmp_path / "c.safetensors", 3, **none)])[1].least_volume_ml == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"orientation": "RAS"}, "orientation"), ({"channels": ("t2w", "t2f", "t1n", "t1c")}, "channels")],
)
def test_members_that_expect_another_input_are_refused(tmp_path, changes, told):
    paths = [model(tmp_path / "a.safetensors", 1), model(tmp_path / "b.safetensors", 2, **changes)]
    with pytest.raises(
        SegMambaError, match=rf"b.safetensors: cannot answer together .*a.safetensors.* {told} differ"
    ):
        read_ensemble(paths)
