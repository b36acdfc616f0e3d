"""The parts written here, against MONAI's or PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets.swin_unetr import WindowAttention
from monai.networks.nets.unetr import UNETR
from torch import Tensor, nn
from torch.nn import functional as F

from Training.networks import unetr as unetr_module
from Training.networks.any_size import AnySize
from Training.networks.channel_norm import ChannelNorm
from Training.networks.nnformer import SkipAttentionBlock
from Training.networks.position_embedding import fit_positions
from Training.networks.ux_net import UxBlock


class _Remembers(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        return x[:, :2] + 1


@pytest.mark.parametrize(
    ("size", "padded"),
    [((16, 32, 48), (16, 32, 48)), ((17, 32, 1), (32, 32, 16)), ((3, 16, 2), (16, 16, 32))],
)
def test_any_size_pads_with_background_and_crops_back(size: tuple[int, ...], padded: tuple[int, ...]) -> None:
    network = AnySize(_Remembers(), stride=16)
    x = torch.randn(1, 4, *size)
    y = network(x)
    assert torch.equal(y, x[:, :2] + 1)
    assert network.network.seen.shape[2:] == padded
    assert network.network.seen.abs().sum() == pytest.approx(x.abs().sum().item(), rel=1e-5)


def test_channel_norm_is_group_norm_of_one_group_at_every_voxel() -> None:
    x = torch.randn(2, 6, 3, 4, 5)
    voxels = x.movedim(1, -1).reshape(-1, 6, 1)
    expected = F.group_norm(voxels, 1).view(2, 3, 4, 5, 6).movedim(-1, 1)
    torch.testing.assert_close(ChannelNorm(6)(x), expected)


def test_positions_of_another_grid_lie_where_they_lay() -> None:
    # An embedding that tells the token's place along h, 0 to 1 from face to face.
    place = (torch.arange(8) + 0.5) / 8
    made_for = place[None, :, None].expand(4, 8, 4).reshape(1, -1, 1)
    assert fit_positions(made_for, (4, 8, 4), (4, 8, 4)) is made_for
    finer = fit_positions(made_for, (4, 8, 4), (2, 16, 3)).view(2, 16, 3)
    expected = (torch.arange(16) + 0.5) / 16
    # Beyond the outermost tokens it stays constant.
    torch.testing.assert_close(finer[0, 1:-1, 0], expected[1:-1])


def test_unetr_is_monais_at_the_size_it_is_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unetr_module, "MADE_FOR", (2, 2, 2))
    ours = unetr_module.unetr(4, 3).eval()
    theirs = UNETR(4, 3, (32, 32, 32)).eval()
    theirs.load_state_dict(ours.network.state_dict())
    x = torch.randn(1, 4, 32, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x))


def test_skip_attention_of_a_volume_to_itself_is_self_attention_without_projected_queries() -> None:
    torch.manual_seed(0)
    width, heads = 8, 2
    block = SkipAttentionBlock(width, heads, window=4, drop_path=0.0).double()
    attention = block.attention
    reference = WindowAttention(width, heads, (4, 4, 4), qkv_bias=True).double()
    with torch.no_grad():
        reference.qkv.weight.copy_(torch.cat((torch.eye(width), attention.kv.weight)))
        reference.qkv.bias.copy_(torch.cat((torch.zeros(width), attention.kv.bias)))
        reference.proj.load_state_dict(attention.proj.state_dict())
        attention.relative_position_bias_table.normal_()
        reference.relative_position_bias_table.copy_(attention.relative_position_bias_table)
    x = torch.randn(3, 64, width, dtype=torch.float64)
    torch.testing.assert_close(attention(x, x), reference(x, None))


def test_skip_attention_looks_within_its_window_alone_and_pads_incomplete_ones() -> None:
    torch.manual_seed(0)
    block = SkipAttentionBlock(8, 2, window=4, drop_path=0.0)
    x, skip = torch.randn(2, 1, 6, 5, 4, 8)
    skip.requires_grad_()
    block(x, skip)[0, 5, 4, 3].sum().backward()
    touched = skip.grad[0].abs().sum(-1) > 0
    expected = torch.zeros(6, 5, 4, dtype=torch.bool)
    expected[4:, 4:] = True  # what is left of the last window
    assert torch.equal(touched, expected)


def test_ux_block_mixes_channels_in_its_norm_alone() -> None:
    block = UxBlock(4)
    block.norm = nn.Identity()
    nn.init.ones_(block.scale)
    x = torch.randn(1, 4, 9, 9, 9, requires_grad=True)
    block(x)[0, 1, 4, 4, 4].backward()
    touched = x.grad[0].abs() > 0
    assert not touched[[0, 2, 3]].any()
    assert touched[1, 1:8, 1:8, 1:8].all()  # 7^3 around the voxel
    assert touched[1].sum() == 7**3
