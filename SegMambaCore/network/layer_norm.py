"""Layer norm of tokens, under the public code's parameter names."""

from __future__ import annotations

from torch import Tensor, nn

from SegMambaCore.gpu.nvrtc import kernels_work_on


class LayerNorm(nn.LayerNorm):
    """`nn.LayerNorm` over the channels with a kernel of its own on NVIDIA GPUs.

    There the output has the input's type, under autocast too: what takes it would round it to that anyway.
    """

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, length, dim); returns the same shape."""
        if _cuda_can(tokens):
            from SegMambaCore.network.cuda_layer_norm import layer_norm_cuda

            return layer_norm_cuda(tokens, self.weight, self.bias, self.eps)
        return super().forward(tokens)


def _cuda_can(x: Tensor) -> bool:
    if not kernels_work_on(x):
        return False
    from SegMambaCore.network.cuda_layer_norm import takes

    return takes(x)
