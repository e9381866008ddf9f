import math

import torch

from cpose.models.layers.fan_block import FourierPosition


def waves(index, length, num_waves=32):
    """Sine and cosine of each frequency at one place, one number after the other."""
    phase = index / length * 2 * math.pi
    angles = [phase / 10000 ** (2 * pair / num_waves) for pair in range(num_waves // 2)]
    return [value for angle in angles for value in (math.sin(angle), math.cos(angle))]


def test_waves_of_row_then_column():
    position = FourierPosition(64)
    with torch.no_grad():
        position.token_projection.weight.copy_(torch.eye(64)[:, :, None, None])
        position.token_projection.bias.zero_()
        encoded = position(torch.zeros(2, 5, 3, 4))
    assert encoded.shape == (1, 64, 3, 4)
    for row in range(3):
        for column in range(4):
            expected = torch.tensor(waves(row + 1, 3) + waves(column + 1, 4))
            assert torch.allclose(encoded[0, :, row, column], expected, atol=1e-4)


def test_type_follows_the_tokens():
    position = FourierPosition(4).double()
    assert position(torch.zeros(1, 4, 2, 2, dtype=torch.float64)).dtype == torch.float64
