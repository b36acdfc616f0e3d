"""Checkpoints of the public code, in all the wrappings people save them with."""

from __future__ import annotations

import argparse
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file import import_weights as module
from SegMambaCore.model_file.import_weights import import_weights
from SegMambaCore.network.build import build_network


@pytest.fixture(autouse=True)
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """`small` in place of `tom`: the same names at a tenth of the size."""
    monkeypatch.setattr(
        module, "build_network", lambda name: build_network("small" if name == "tom" else name)
    )


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return build_network("small").state_dict()


def _save(content: Any, tmp_path: Path) -> Path:
    path = tmp_path / "final_model.pth"
    torch.save(content, path)
    return path


WRAPPINGS: list[Callable[[dict[str, Tensor]], Any]] = [
    lambda w: w,
    lambda w: {"state_dict": w, "epoch": 3},
    lambda w: {"model": w},
    lambda w: {"module": w},
    lambda w: {"model": {"state_dict": w}},
    lambda w: {f"module.{name}": tensor for name, tensor in w.items()},
    lambda w: {"state_dict": {f"module.module.{name}": tensor for name, tensor in w.items()}},
    lambda w: {name: tensor.half() for name, tensor in w.items()},
]


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_wrappings(
    weights: dict[str, Tensor], tmp_path: Path, wrap: Callable[[dict[str, Tensor]], Any]
) -> None:
    network, spec = import_weights(_save(wrap(weights), tmp_path))
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=1e-3, atol=1e-6)
    assert spec.network == "tom"
    assert spec.channels == ("t2w", "t2f", "t1n", "t1c")
    assert (spec.normalisation, spec.activation) == ("zscore_crop", "softmax")
    assert spec.outputs == ("background", "NCR", "ED", "ET")
    assert not network.training


def test_the_public_release_is_told_what_it_lacks(weights: dict[str, Tensor], tmp_path: Path) -> None:
    released = {
        name: tensor
        for name, tensor in weights.items()
        if not any(part in name for part in ("_b.", "_s.", "A_b_log", "A_s_log", "D_b", "D_s"))
    }
    assert len(released) < len(weights)
    with pytest.raises(SegMambaError, match="as the public release") as caught:
        import_weights(_save(released, tmp_path))
    message = str(caught.value)
    assert f"{len(weights) - len(released)} tensors" in message
    assert "final_model.pth" in message
    assert len(message.splitlines()) <= 3


def test_missing_and_unknown_names_are_listed(weights: dict[str, Tensor], tmp_path: Path) -> None:
    changed = {name: tensor for name, tensor in weights.items() if not name.startswith("encoder5")}
    changed["aux_head.weight"] = torch.zeros(1)
    missing = len(weights) - len(changed) + 1
    with pytest.raises(SegMambaError, match=rf"{missing} missing \(encoder5.*1 unknown \(aux_head.weight\)"):
        import_weights(_save(changed, tmp_path))


def test_another_number_of_channels(weights: dict[str, Tensor], tmp_path: Path) -> None:
    changed = dict(weights) | {"out.conv.conv.weight": torch.zeros(2, 16, 1, 1, 1)}
    with pytest.raises(
        SegMambaError, match=r"out.conv.conv.weight is 2 x 16 x 1 x 1 x 1, not 4 x 16 x 1 x 1 x 1"
    ):
        import_weights(_save(changed, tmp_path))


def test_the_asked_network_is_not_second_guessed(weights: dict[str, Tensor], tmp_path: Path) -> None:
    with pytest.raises(SegMambaError, match="not the weights of network paper"):
        import_weights(_save(weights, tmp_path), "paper")


def test_not_finite(weights: dict[str, Tensor], tmp_path: Path) -> None:
    changed = dict(weights) | {"out.conv.conv.bias": torch.full((4,), float("nan"))}
    with pytest.raises(SegMambaError, match=r"infinite or undefined numbers \(out.conv.conv.bias\)"):
        import_weights(_save(changed, tmp_path))


@pytest.mark.parametrize("network", ["tom", "paper"])
def test_the_published_names_tell_the_networks_apart(network: str) -> None:
    names = Path(__file__).parents[1] / "network" / "parity" / f"state_dict_{network}.json"
    if not names.is_file():
        pytest.skip(f"no {names.name}")
    tensors = {name: torch.zeros(0) for name in json.loads(names.read_text(encoding="utf-8"))}
    assert module._detect(tensors) == network


class RunsCode:
    """Unpickling it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("plain_pickle", [True, False])
def test_code_is_refused_and_not_run(tmp_path: Path, plain_pickle: bool) -> None:
    proof = tmp_path / "proof"
    path = tmp_path / "evil.pth"
    if plain_pickle:
        path.write_bytes(pickle.dumps(RunsCode(proof)))
    else:
        torch.save({"state_dict": RunsCode(proof)}, path)
    with pytest.raises(SegMambaError, match="could run code"):
        import_weights(path)
    assert not proof.exists()


def test_a_checkpoint_with_objects_is_refused(weights: dict[str, Tensor], tmp_path: Path) -> None:
    with pytest.raises(SegMambaError, match="save the weights alone"):
        import_weights(_save({"state_dict": weights, "args": argparse.Namespace(lr=1)}, tmp_path))


@pytest.mark.parametrize(
    "data", [b"", b"garbage" * 100, b"PK\x03\x04" + bytes(100), b"\x80\x02}q\x00.", b"\x1f\x8babc" * 50]
)
def test_garbage(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "garbage.pth"
    path.write_bytes(data)
    with pytest.raises(SegMambaError, match=r"garbage\.pth: not") as caught:
        import_weights(path)
    assert len(str(caught.value).splitlines()) <= 3


def test_truncated(weights: dict[str, Tensor], tmp_path: Path) -> None:
    path = _save(weights, tmp_path)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(SegMambaError, match="not"):
        import_weights(path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"state_dict": {}}, {"epoch": 3}, torch.zeros(3)])
def test_no_state_dictionary(tmp_path: Path, content: Any) -> None:
    with pytest.raises(SegMambaError, match="no state dictionary"):
        import_weights(_save(content, tmp_path))


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(SegMambaError, match="no such file"):
        import_weights(tmp_path / "absent.pth")
    with pytest.raises(SegMambaError):
        import_weights(tmp_path)
