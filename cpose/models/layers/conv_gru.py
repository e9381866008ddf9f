"""Convolutional gated recurrent unit: the sequential feature association of CenterPose."""

import torch
from torch import Tensor, nn

from cpose.models.layers.convolutions import Conv3x3


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
