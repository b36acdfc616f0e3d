"""Auxiliary heads: what they see, what they cost, and that the network stays what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.network.segmamba import SegMamba
from Testing.Training.synthetic import tiny_config
from Training.captured_step import with_gradients, zero_gradients
from Training.deep_supervision import AuxiliaryHeads, supervised_loss
from Training.losses import segmentation_loss
from Training.networks.registry import build_network
from Training.objective import objective_of

LOSS = tiny_config().loss


def _tiny() -> SegMamba:
    torch.manual_seed(0)
    return SegMamba("tom", 4, 3, widths=(4, 8, 12, 16), hidden=16)


def test_levels_are_half_a_quarter_and_an_eighth_and_the_network_is_untouched() -> None:
    network = _tiny()
    names = list(network.state_dict())
    x = torch.randn(1, 4, 32, 48, 32)
    alone = network(x)
    heads = AuxiliaryHeads(network, 4, 3, 0.5).train()
    logits = heads(x)
    assert [tuple(level.shape[2:]) for level in logits] == [(32, 48, 32), (16, 24, 16), (8, 12, 8), (4, 6, 4)]
    assert torch.equal(logits[0], alone)
    assert list(network.state_dict()) == names
    features = []
    network.decoder3.register_forward_hook(lambda _m, _i, output: features.append(output))
    level = heads(x)[1]
    torch.testing.assert_close(level, heads.heads[0](features[0]))


def test_the_loss_is_the_weighted_mean_of_the_levels() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (1, 1, 4, 4, 4), generator=generator).to(torch.uint8)
    labels = labels.repeat_interleave(4, 2).repeat_interleave(4, 3).repeat_interleave(4, 4)
    fine, half, quarter = (torch.randn(1, 3, *(side,) * 3, generator=generator) for side in (16, 8, 4))
    expected = torch.zeros(())
    for weight, level, step in ((1.0, fine, 1), (0.5, half, 2), (0.25, quarter, 4)):
        settings = replace(LOSS, dice_smooth=LOSS.dice_smooth / step**3)
        expected += weight * segmentation_loss(
            level, labels[..., ::step, ::step, ::step], "sigmoid", settings
        )
    loss = supervised_loss([fine, half, quarter], labels, "sigmoid", LOSS, 0.5)
    torch.testing.assert_close(loss, expected / 1.75)


def test_every_parameter_gets_a_gradient_and_coarse_levels_learn_more() -> None:
    config = tiny_config(deep_supervision=0.5)
    heads = AuxiliaryHeads(_tiny(), 4, 3, 0.5).train()
    zero_gradients(heads)
    step = with_gradients(objective_of(heads, config, torch.device("cpu")))
    labels = torch.zeros(1, 1, 32, 32, 32, dtype=torch.uint8)
    labels[..., 8:24, 8:24, 8:24] = 3
    step(torch.randn(1, 4, 32, 32, 32) + labels, labels)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in heads.heads.parameters())


def test_dynunet_has_heads_too_and_others_say_that_they_have_none() -> None:
    heads = AuxiliaryHeads(build_network("dynunet", 4, 3), 4, 3, 0.5).to("meta").train()
    logits: list[Tensor] = heads(torch.empty(1, 4, 64, 64, 64, device="meta"))
    assert [level.shape[2] for level in logits] == [64, 32, 16, 8, 4]
    with pytest.raises(SegMambaError, match="deep_supervision: the decoder of Sequential is not known"):
        AuxiliaryHeads(nn.Sequential(nn.Conv3d(4, 3, 1)), 4, 3, 0.5)
