"""The Mamba encoder: four stages, each at half the resolution of the one before."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from SegMambaCore.network.convolution1 import Convolution1
from SegMambaCore.network.gated_spatial_convolution import GatedSpatialConvolution
from SegMambaCore.network.instance_norm import add, norm_act
from SegMambaCore.network.layer_norm import LayerNorm
from SegMambaCore.network.mamba_layer import MambaLayer


class TomEncoder(nn.Module):
    """The encoder of the public code: a tri-orientated spatial Mamba block a stage, paper figure 2.

    Of the paper's equation (1) only the first line stands inside the blocks; the MLP sits on the way to the
    decoder, as 1x1x1 convolutions after an instance norm and without a residual.
    """

    def __init__(self, in_channels: int, widths: tuple[int, ...], depth: int = 2) -> None:
        super().__init__()
        self.downsample_layers = nn.ModuleList(
            [_stem(in_channels, widths[0])]
            + [
                # The public code norms here and again in front of the MLP: one norm, taken once in `forward`.
                nn.Sequential(nn.Identity(), nn.Conv3d(a, b, 2, stride=2))
                for a, b in pairwise(widths)
            ]
        )
        self.gscs = nn.ModuleList(GatedSpatialConvolution(width) for width in widths)
        self.stages = nn.ModuleList(
            nn.Sequential(*(TomBlock(width) for _ in range(depth))) for width in widths
        )
        self.mlps = nn.ModuleList(ConvolutionalMlp(width) for width in widths)

    def forward(self, x: Tensor) -> list[Tensor]:
        """x: (batch, in_channels, D, H, W), sides divisible by 16; returns a skip a stage, at 1/2 to 1/16."""
        skips = []
        for downsample, gsc, stage, mlp in zip(
            self.downsample_layers, self.gscs, self.stages, self.mlps, strict=True
        ):
            x = norm_act(stage(gsc(downsample(x))))
            skips.append(mlp(x))
        return skips


class PaperEncoder(nn.Module):
    """The encoder of the paper's first version: equation (1) whole in every block, no GSC, plain skips."""

    def __init__(self, in_channels: int, widths: tuple[int, ...], depth: int = 2) -> None:
        super().__init__()
        self.downsample_layers = nn.ModuleList(
            [_stem(in_channels, widths[0])]
            + [nn.Sequential(nn.Conv3d(a, b, 2, stride=2)) for a, b in pairwise(widths)]
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(PaperBlock(width) for _ in range(depth))) for width in widths
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """As `TomEncoder.forward`."""
        skips = []
        for downsample, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(downsample(x))
            skips.append(x)
        return skips


class TomBlock(nn.Module):
    """x + Mamba(LN(x)): the first line of the paper's equation (1)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = LayerNorm(dim)
        self.mamba = MambaLayer(dim, directions=("", "_b", "_s"))

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, dim, D, H, W); returns the same shape."""
        tokens = _to_tokens(x)
        return _to_volume(add(self.mamba(self.norm(tokens), slices=x.shape[2]), tokens), x)


class PaperBlock(nn.Module):
    """Equation (1) of the paper: z' = z + Mamba(LN(z)), then z' + MLP(LN(z'))."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm1 = LayerNorm(dim)
        self.mamba = MambaLayer(dim, directions=("", "_b"))
        self.norm2 = LayerNorm(dim)
        self.mlp = TokenMlp(dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, dim, D, H, W); returns the same shape."""
        tokens = _to_tokens(x)
        tokens = add(self.mamba(self.norm1(tokens), slices=x.shape[2]), tokens)
        tokens = add(self.mlp(self.norm2(tokens)), tokens)
        return _to_volume(tokens, x)


class TokenMlp(nn.Module):
    """Linear to four times the width, GELU, Linear back."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, length, dim); returns the same shape."""
        return self.fc2(F.gelu(self.fc1(tokens)))


class ConvolutionalMlp(nn.Module):
    """1x1x1 convolution to twice the width, GELU, 1x1x1 convolution back."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = Convolution1(dim, 2 * dim)
        self.fc2 = Convolution1(2 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, dim, D, H, W); returns the same shape."""
        return self.fc2(F.gelu(self.fc1(x)))


def _stem(in_channels: int, width: int) -> nn.Sequential:
    """Dense 7x7x7 convolution, stride 2. The paper calls it depth-wise; the public code's is not."""
    return nn.Sequential(nn.Conv3d(in_channels, width, 7, stride=2, padding=3))


def _to_tokens(x: Tensor) -> Tensor:
    """(batch, dim, D, H, W) -> (batch, D H W, dim); a view where the channels lie last in memory."""
    return x.flatten(2).transpose(1, 2) if x.is_contiguous() else x.permute(0, 2, 3, 4, 1).flatten(1, 3)


def _to_volume(tokens: Tensor, like: Tensor) -> Tensor:
    return tokens.transpose(1, 2).unflatten(2, like.shape[2:])
