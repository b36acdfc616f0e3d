"""Every network of the registry: its size as published, its shapes, and that it learns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from SegMambaCore.errors import SegMambaError
from Testing.Training.synthetic import tiny_config
from Training.captured_step import with_gradients, zero_gradients
from Training.describe import count_macs
from Training.losses import segmentation_loss
from Training.networks.registry import NETWORKS, NetworkName, build_network
from Training.optimizer import guarded_step, make_optimizer

PUBLISHED: dict[str, tuple[float, float | None]] = {
    "tom": (67.416196, 1469),
    "paper": (58.547956, 1416),
    "small": (7.614084, None),
    "dynunet": (31.192068, None),
    "segresnet-16": (4.70, 148),
    "segresnet-32": (18.80, 585),
    "unetr": (102.47, 184),
    "swin-unetr": (62.19, 772),
    "swin-unetr-v2": (72.77, 833),
    "mednext-s": (5.55, 128),
    "mednext-b": (10.51, 166),
    "mednext-m": (17.53, 243),
    "mednext-l": (61.73, 493),
    "ux-net": (53.0, None),
    "nnformer": (149.3, None),
    "transbts": (31.6, None),
    "resenc-m": (102.35, None),
}
"""Parameters in millions, and giga multiply-adds of 4 x 128^3 where somebody measured them."""

QUICK = ("segresnet-16", "unetr", "mednext-s", "ux-net", "nnformer", "transbts")
EACH = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def test_names_are_those_that_a_configuration_may_use() -> None:
    assert tuple(NETWORKS) == get_args(NetworkName) == tuple(PUBLISHED)
    with pytest.raises(ValueError, match="no network 'huge'; there are tom, paper"):
        build_network("huge")


@pytest.mark.parametrize("name", NETWORKS)
def test_size_and_cost_are_as_published(name: NetworkName) -> None:
    parameters, giga_macs = PUBLISHED[name]
    network = build_network(name)
    counted = sum(p.numel() for p in network.parameters())
    # Those written from papers may differ a little; the others are somebody's code.
    tolerance = 0.03 if name in ("ux-net", "nnformer", "transbts") else 0.002
    assert counted / 1e6 == pytest.approx(parameters, rel=tolerance)
    macs = count_macs(network)
    if giga_macs is not None:
        assert macs / 1e9 == pytest.approx(giga_macs, rel=0.005)
    # count_macs left it without values: shapes cost no memory.
    assert network(torch.empty(2, 4, 128, 128, 128, device="meta")).shape == (2, 4, 128, 128, 128)
    assert network(torch.empty(1, 4, 145, 170, 131, device="meta")).shape == (1, 4, 145, 170, 131)


@pytest.mark.parametrize("name", EACH)
def test_learns_and_takes_odd_sizes(name: NetworkName) -> None:
    network = build_network(name, 4, 3).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    images, labels = _bright_tumor((29, 32, 31))
    before = _loss(network, images, labels)
    buffers = {key: value.clone() for key, value in network.named_buffers()}

    network.train()
    optimizer = make_optimizer(network, tiny_config(learning_rate=1e-3))
    step = with_gradients(lambda x, y: segmentation_loss(network(x), y, "sigmoid", tiny_config().loss))
    for _ in range(4):
        zero_gradients(network)
        assert torch.isfinite(step(images, labels))
        assert guarded_step(network, optimizer, 12.0).item() == 0

    assert _loss(network, images, labels) < before - 0.02
    # The average of the weights is what gets written: running statistics would not belong to it.
    assert all(torch.equal(value, buffers[key]) for key, value in network.named_buffers())


def test_dynunets_tensors_are_stored_once() -> None:
    network = build_network("dynunet")
    assert len(network.state_dict()) == len(list(network.parameters()))
    network.to(torch.float64)
    assert network(torch.randn(1, 4, 64, 32, 32, dtype=torch.float64)).dtype == torch.float64


def test_without_its_package_a_network_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "Training.networks.resenc", raising=False)
    monkeypatch.setitem(sys.modules, "dynamic_network_architectures.architectures.unet", None)
    with pytest.raises(SegMambaError, match=r"ResEnc M needs .*dynamic_network_architectures.*\n.*training"):
        build_network("resenc-m")


def _loss(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Without dropout, so that two losses can be compared."""
    with torch.no_grad():
        logits = network.eval()(images)
        assert torch.equal(network(images), logits)  # nothing is random any more
    assert logits.shape == (1, 3, *images.shape[2:])
    assert torch.isfinite(logits).all()
    return segmentation_loss(logits, labels, "sigmoid", tiny_config().loss).item()


def _bright_tumor(shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Noise (1, 4, D, H, W) with a box of NCR in ET in ED, brighter in every channel; and its labels."""
    labels = torch.zeros(1, 1, *shape, dtype=torch.uint8)
    labels[..., 8:24, 8:24, 8:24] = 2
    labels[..., 10:20, 10:20, 10:20] = 3
    labels[..., 12:16, 12:16, 12:16] = 1
    return torch.randn(1, 4, *shape) + labels, labels
