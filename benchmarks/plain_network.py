"""The same networks evaluated in the straightforward way, as the baseline of the speed tests.

Channels first, batch norms unfused, attention by a matrix of all weights, convolutions by PyTorch
alone, the recurrent unit with all convolutions of every gate and step. The modules and weights are
those of the measured model, so both give the same maps.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from cpose.models.layers.convolutions import ConvGRU


class PlainNetwork(nn.Module):
    """Backbone, neck, recurrent unit and branches, one operation after the other."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Turn (B, 3, H, W) into the raw maps by branch."""
        with sdpa_kernel(SDPBackend.MATH):
            feature = self.model.neck(self.model.backbone(images.contiguous()))
        branches = self.model.head.branches
        states = unroll_plainly(branches.association, feature)
        return {
            name: branches.outputs[name](state)
            for names, state in zip(branches.steps, states, strict=True)
            for name in names
        }


def unroll_plainly(unit: ConvGRU, feature: Tensor) -> list[Tensor]:
    """Evaluate each gate of each step by its own two convolutions, from a state of zeros."""
    input_kernels = unit.input_gates.weight.chunk(3)
    biases = unit.input_gates.bias.chunk(3)
    state_kernels = unit.hidden_gates.weight.chunk(3)
    state = torch.zeros_like(feature)
    states = []
    for _ in range(unit.num_steps):
        reset, update, candidate = (
            functional.conv2d(feature, kernel, bias, padding=1)
            for kernel, bias in zip(input_kernels, biases, strict=True)
        )
        from_state = [functional.conv2d(state, kernel, padding=1) for kernel in state_kernels]
        reset = torch.sigmoid(reset + from_state[0])
        update = torch.sigmoid(update + from_state[1])
        candidate = torch.tanh(candidate + reset * from_state[2])
        state = (1 - update) * candidate + update * state
        states.append(state)
    return states
