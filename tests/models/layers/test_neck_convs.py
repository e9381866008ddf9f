import torch

from cpose.models.layers.convolutions import PlainConv


def test_keeps_the_size_and_has_a_bias():
    conv = PlainConv(3, 5)
    assert conv(torch.zeros(2, 3, 7, 6)).shape == (2, 5, 7, 6)
    assert torch.equal(conv(torch.zeros(1, 3, 2, 2))[0, :, 0, 0], conv.bias)
