"""Convolutions: 3×3 at full training speed, up-sampling ones of necks, and the gated unit."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.grad import conv2d_input

from cpose.registry import MODELS

TAPS = 9


class Conv3x3(nn.Conv2d):
    """3×3 convolution with stride 1 that keeps the size of the map.

    With the channels last and AVX2, oneDNN computes the gradient of the kernel at less than half
    the speed of its other passes. There it is made of nine matrix products instead, see
    `kernel_gradient`; results agree up to rounding.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        bias: Whether to add a learned number per channel.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1, bias=bias)

    def forward(self, feature: Tensor) -> Tensor:
        """Convert (B, in_channels, H, W) to (B, out_channels, H, W)."""
        if self.training and not torch.compiler.is_compiling() and _is_gradient_slow(feature):
            return _ConvWithProducts.apply(feature, self.weight, self.bias)
        return super().forward(feature)


def kernel_gradient(feature: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient (D, C, 3, 3) of the kernel of a 3×3 convolution.

    With a border of zeros around both maps, their cells in one long row, a shift by (i, j) is a
    shift along the row. Each of the nine gradients is the product of the one row with the other,
    shifted; the zeros cancel what belongs to another row or image.

    Args:
        feature: (B, C, H, W) input of the convolution, channels last in memory.
        gradient: (B, D, H, W) gradient of its output, channels last in memory.
    """
    inputs, outputs = (
        functional.pad(maps.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).flatten(0, 2)
        for maps in (feature, gradient)
    )
    stride = feature.shape[3] + 2
    middle = stride + 1
    count = len(outputs) - 2 * middle
    products = [
        outputs[middle : middle + count].T @ inputs[start : start + count]
        for row in range(3)
        for start in range(row * stride, row * stride + 3)
    ]
    return torch.stack(products, dim=-1).unflatten(-1, (3, 3))


def _is_gradient_slow(feature: Tensor) -> bool:
    return (
        feature.device.type == 'cpu'
        and feature.dtype == torch.float32
        and not torch.is_autocast_enabled('cpu')
        and feature.is_contiguous(memory_format=torch.channels_last)
        and torch.backends.cpu.get_cpu_capability() == 'AVX2'
    )


class _ConvWithProducts(torch.autograd.Function):
    """The convolution of `Conv3x3` with `kernel_gradient` in its backward pass."""

    @staticmethod
    def forward(ctx: Any, feature: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(feature, kernel)
        return functional.conv2d(feature, kernel, bias, padding=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        feature, kernel = ctx.saved_tensors
        needs_feature, needs_kernel, needs_bias = ctx.needs_input_grad
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        return (
            conv2d_input(feature.shape, kernel, gradient, padding=1) if needs_feature else None,
            kernel_gradient(feature, gradient) if needs_kernel else None,
            gradient.sum(dim=(0, 2, 3)) if needs_bias else None,
        )


@MODELS.register_module()
class PlainConv(Conv3x3):
    """3×3 convolution with bias that keeps the size of the map.

    Source: TAO PyTorch 6.25.10, neck of its CenterPose models.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, bias=True)


@MODELS.register_module()
class ModulatedDeformConv(nn.Module):
    """3×3 deformable convolution, version 2, with one group of offsets.

    ``conv_offset_mask`` predicts 27 channels per cell: interleaved (y, x) offsets of the nine taps
    in cells, then nine logits of the taps' weights. It starts at zero: no offset, weights one half.

    Source: Zhu et al., "Deformable ConvNets v2: More Deformable, Better Results", section 3.2.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.conv_offset_mask = nn.Conv2d(in_channels, 3 * TAPS, kernel_size=3, padding=1)
        bound = 1 / math.sqrt(in_channels * TAPS)
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.conv_offset_mask.weight)
        nn.init.zeros_(self.conv_offset_mask.get_parameter('bias'))

    def forward(self, feature: Tensor) -> Tensor:
        """Convolve (B, in_channels, H, W) to (B, out_channels, H, W).

        Under automatic mixed precision the sampling keeps the precision of the weights: on a CPU
        there is no other.
        """
        offset, logits = self.conv_offset_mask(feature).split((2 * TAPS, TAPS), dim=1)
        inputs = (feature, offset, logits.sigmoid())
        device = feature.device.type
        if torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                return self._sample(*(value.to(self.weight.dtype) for value in inputs))
        return self._sample(*inputs)

    def _sample(self, feature: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        from torchvision.ops import deform_conv2d  # needs a second to import

        return deform_conv2d(feature, offset, self.weight, self.bias, padding=1, mask=mask)


class ConvGRU(nn.Module):
    """Unroll a convolutional GRU for some steps on one constant input.

    With x the input, h the hidden state (zero at first), * a 3×3 convolution and ⊙ the product:
    r = σ(W_r * x + U_r * h), z = σ(W_z * x + U_z * h), n = tanh(W_n * x + r ⊙ (U_n * h)) and
    the next state is (1 − z) ⊙ n + z ⊙ h. The convolutions of the input are evaluated once for all
    steps, those of the zero state not at all. Any map size works in any call.

    Source: Ballas et al., "Delving Deeper into Convolutional Networks for Learning Video
    Representations" (ICLR 2016), section 3.1; use: Lin et al., "Single-Stage Keypoint-Based
    Category-Level Object Pose Estimation from an RGB Image" (ICRA 2022), figures 2 and 3.
    Deviation: the reset gate multiplies U_n * h instead of h, as in TAO PyTorch 6.25.10.

    Args:
        channels: Channels of the input and of the hidden states.
        num_steps: How many hidden states to return.
    """

    def __init__(self, channels: int, num_steps: int = 3) -> None:
        super().__init__()
        self.num_steps = num_steps
        self.input_gates = Conv3x3(channels, 3 * channels)
        self.hidden_gates = Conv3x3(channels, 3 * channels, bias=False)

    def forward(self, feature: Tensor) -> list[Tensor]:
        """Return the hidden states, each (B, channels, H, W) like ``feature``.

        Both convolutions hold the kernels of reset gate, update gate and candidate, in this order.
        """
        from_input = self.input_gates(feature)
        _, update, candidate = from_input.chunk(3, dim=1)
        state = torch.tanh(candidate) * torch.sigmoid(-update)
        states = [state]
        for _ in range(self.num_steps - 1):
            state = _next_state(from_input, self.hidden_gates(state), state)
            states.append(state)
        return states


def _next_state(from_input: Tensor, from_state: Tensor, state: Tensor) -> Tensor:
    channels = state.shape[1]
    split = (2 * channels, channels)
    input_gates, input_candidate = from_input.split(split, dim=1)
    state_gates, state_candidate = from_state.split(split, dim=1)
    reset, update = torch.sigmoid(input_gates + state_gates).chunk(2, dim=1)
    candidate = torch.tanh(torch.addcmul(input_candidate, reset, state_candidate))
    return torch.lerp(candidate, state, update)
