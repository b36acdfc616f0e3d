"""Sizes, slices, initialisation, import and the fused CPU kernels of the networks."""

import subprocess
import sys

import pytest
import torch
from monai.networks.blocks.dynunet_block import UnetOutBlock, UnetResBlock
from monai.networks.blocks.unetr_block import UnetrUpBlock
from torch.nn import functional as F

from SegMambaCore.network import convolution1, convolution3, convolution_blocks
from SegMambaCore.network.build import build_network
from SegMambaCore.network.convolution_blocks import OutBlock, ResidualBlock, UpBlock
from SegMambaCore.network.instance_norm import norm_act, norm_add_act
from SegMambaCore.network.mamba_layer import MambaLayer
from SegMambaCore.scan import causal_conv
from SegMambaCore.scan.directions import to_token_order


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_small_has_the_design_of_tom_at_a_third_of_its_widths():
    small, tom = build_network("small").state_dict(), build_network("tom").state_dict()
    assert small.keys() == tom.keys()
    for key, value in small.items():
        # dt_rank and the state are no widths: x_proj's rows are dt_rank + 2 * 16.
        if ".x_proj" not in key and ".dt_proj" not in key:
            assert all(a == b or 3 * a == b for a, b in zip(value.shape, tom[key].shape, strict=True)), key


@pytest.mark.parametrize("size", [(1, 1, 1), (16, 16, 16), (33, 17, 50), (48, 32, 64)])
def test_any_size_gives_logits_of_that_size(size):
    network = build_network("small", out_channels=3).eval()
    with torch.inference_mode():
        logits = network(torch.randn(2, 4, *size))
    assert logits.shape == (2, 3, *size)
    assert torch.isfinite(logits).all()


def test_padding_is_inside_and_at_the_far_ends():
    network = build_network("small").eval()
    x = torch.randn(1, 4, 40, 35, 47)
    with torch.inference_mode():
        assert torch.allclose(
            network(x), network(F.pad(x, (0, 1, 0, 13, 0, 8)))[..., :40, :35, :47], atol=1e-5
        )


def test_inter_slice_direction_visits_one_voxel_of_every_slice_in_turn():
    """An independent statement of the order: with S slices of P voxels, position p S + s reads token s P + p."""
    layer = MambaLayer(8, directions=("", "_b", "_s")).eval()
    slices, voxels = 5, 6
    order = [s * voxels + p for p in range(voxels) for s in range(slices)]
    tokens = torch.randn(1, slices * voxels, 8)
    only_slices = MambaLayer(8, directions=("", "_b", "_s")).eval()
    only_slices.load_state_dict(layer.state_dict())
    with torch.no_grad():
        x, _ = layer.in_proj(tokens).chunk(2, -1)
        expected = torch.empty_like(x)
        # The inter-slice direction is the forward scan, with the `_s` weights, over the tokens in that order.
        for name in ("conv1d", "x_proj", "dt_proj"):
            getattr(only_slices, name).load_state_dict(getattr(layer, name + "_s").state_dict())
        only_slices.A_log.copy_(layer.A_s_log)
        only_slices.D.copy_(layer.D_s)
        expected[:, order] = only_slices._scan_direction(x[:, order], "", slices)
        actual = to_token_order(layer._scan_direction(x, "_s", slices), "_s", slices)
        assert torch.allclose(actual, expected, atol=1e-6)


def test_first_token_of_the_reverse_direction_is_the_last():
    layer = MambaLayer(8, directions=("", "_b"))
    x = torch.randn(1, 30, 16)
    changed = x.clone()
    changed[:, 20] += 1
    with torch.no_grad():
        before, after = (
            to_token_order(layer._scan_direction(tokens, "_b", 5), "_b", 5) for tokens in (x, changed)
        )
        moved = (before - after).abs().amax(-1)[0]
    assert (moved[21:] == 0).all() and (moved[:21] > 0).all()


def test_initialisation():
    layer = MambaLayer(64, directions=("", "_b", "_s"))
    for suffix, log_name in (("", "A_log"), ("_b", "A_b_log"), ("_s", "A_s_log")):
        assert torch.allclose(getattr(layer, log_name).exp(), torch.arange(1.0, 17.0).expand(128, 16))
        assert (getattr(layer, f"D{suffix}") == 1).all()
        projection = getattr(layer, f"dt_proj{suffix}")
        dt = F.softplus(projection.bias)
        assert dt.min() >= 1e-3 - 1e-6 and dt.max() <= 0.1 + 1e-6
        # Log-uniform: a third of the values in each third of the two decades.
        assert 0.2 < ((dt.log10() + 3) / 2 < 1 / 3).float().mean() < 0.47
        assert projection.weight.abs().max() <= 4**-0.5


def channels_last(*shape):
    return (3 * torch.randn(*shape) + 5).contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("shape", [(1, 16, 17, 19, 23), (2, 3, 4, 5, 6), (1, 1, 1, 1, 2)])
def test_fused_norms_equal_pytorch(shape):
    x, other = channels_last(*shape), channels_last(*shape)
    normed = F.instance_norm(x.double())
    normed_other = F.instance_norm(other.double())
    close = lambda a, b: torch.allclose(a.double(), b, atol=2e-5)  # noqa: E731
    with torch.inference_mode():
        assert close(norm_act(x.clone()), normed)
        assert close(norm_act(x.clone(), 0.0), F.relu(normed))
        sum_, both = F.leaky_relu(normed + other, 0.01), F.leaky_relu(normed + normed_other, 0.01)
        assert close(norm_add_act(x.clone(), other, norm_residual=False, slope=0.01), sum_)
        assert close(norm_add_act(x.clone(), other, norm_residual=True, slope=0.01), both)


def test_fused_norm_of_a_mean_far_from_zero():
    x = (1e4 + torch.randn(1, 4, 20, 20, 20)).contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        assert torch.allclose(norm_act(x.clone()).double(), F.instance_norm(x.double()), atol=5e-3)


def test_blocks_equal_monais():
    coarse, skip = channels_last(1, 16, 4, 5, 6), channels_last(1, 8, 8, 10, 12)
    up = UnetrUpBlock(3, 16, 8, kernel_size=3, upsample_kernel_size=2, norm_name="instance", res_block=True)
    x = channels_last(1, 8, 8, 9, 10)
    for ours, theirs, inputs, their_inputs in [
        (ResidualBlock(8, 16), UnetResBlock(3, 8, 16, 3, 1, "instance"), [x], [x]),
        (ResidualBlock(8, 8), UnetResBlock(3, 8, 8, 3, 1, "instance"), [x], [x]),
        (UpBlock(16, 8), up, [coarse, lambda: skip], [coarse, skip]),
        (OutBlock(8, 3), UnetOutBlock(3, 8, 3), [x], [x]),
    ]:
        theirs.load_state_dict(ours.state_dict())
        expected = theirs(*their_inputs)
        assert torch.allclose(ours(*inputs), expected, atol=2e-5)
        with torch.no_grad():
            assert torch.allclose(ours(*inputs), expected, atol=2e-5)


@pytest.mark.parametrize("grad", [True, False])
def test_an_up_block_in_halves_is_the_same(monkeypatch, grad):
    block, coarse, skip = UpBlock(16, 8), channels_last(1, 16, 4, 5, 6), channels_last(1, 8, 8, 10, 12)
    with torch.set_grad_enabled(grad):
        expected = block(coarse, lambda: skip.clone())
        monkeypatch.setattr(convolution_blocks, "faster_in_halves", lambda half, weight: True)
        assert torch.allclose(block(coarse, lambda: skip.clone()), expected, atol=1e-5)


def test_halves_are_faster_where_our_kernel_takes_them_but_not_the_whole(monkeypatch):
    monkeypatch.setattr(convolution3, "_kernel_takes", lambda x, weight: weight.shape[1] <= 48)
    narrow, wide = (torch.zeros(1, channels, 1, 1, 1) for channels in (16, 48))
    assert not convolution3.faster_in_halves(narrow, torch.zeros(16, 32, 3, 3, 3))
    assert convolution3.faster_in_halves(wide, torch.zeros(48, 96, 3, 3, 3))
    assert not convolution3.faster_in_halves(wide.repeat(1, 2, 1, 1, 1), torch.zeros(96, 192, 3, 3, 3))


def test_a_convolution_of_one_voxel_is_a_matrix_product(monkeypatch):
    layer, x = convolution1.Convolution1(8, 16), channels_last(2, 8, 3, 4, 5)
    expected = layer(x)
    monkeypatch.setattr(convolution1, "_on_gpu", lambda x: True)
    product = layer(x)
    assert product.grad_fn is not None and product.is_contiguous(memory_format=torch.channels_last_3d)
    assert torch.allclose(product, expected, atol=1e-5)
    assert torch.allclose(layer(x.contiguous()), expected, atol=1e-5)  # channels first: left to the library


def test_causal_conv_equals_a_padded_conv1d():
    conv = torch.nn.Conv1d(12, 12, 4, groups=12, padding=3)
    for length in (1, 2, 3, 50, 3000):
        x = torch.randn(2, length, 12)
        expected = F.silu(conv(x.transpose(1, 2))[..., :length]).transpose(1, 2)
        fused = causal_conv.causal_conv_silu(x.detach(), conv.weight.detach(), conv.bias.detach())
        assert torch.allclose(fused, expected, atol=1e-5)
        assert torch.allclose(causal_conv._shifted_sums(x, conv.weight, conv.bias), expected, atol=1e-5)


def test_training_mode_gives_every_parameter_a_gradient():
    network = build_network("small", out_channels=3)
    network(torch.randn(1, 4, 32, 32, 32)).square().mean().backward()
    without = [
        name for name, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()
    ]
    assert without == []


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match="tom, paper and small"):
        build_network("large")


def test_importing_the_networks_costs_little_beyond_pytorch():
    """MONAI and the compiler of PyTorch take seconds each, and nothing here needs them."""
    code = (
        "import sys, SegMambaCore.network.build, SegMambaCore.inference.predict, SegMambaCore.scan.cuda_scan;"
        "import SegMambaCore.scan.cuda_directions, SegMambaCore.network.cuda_norm;"
        "slow = ('monai', 'torch._dynamo', 'torch._inductor', 'sympy', 'triton', 'numba', 'matplotlib');"
        "print([name for name in slow if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
