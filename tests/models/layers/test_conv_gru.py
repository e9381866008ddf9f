import pytest
import torch
from torch.nn import functional

from cpose.models.layers.convolutions import ConvGRU


@pytest.fixture
def unit():
    torch.manual_seed(0)
    return ConvGRU(4)


def unroll_plainly(unit, feature):
    """The equations, with a first state of zeros and every convolution on its own."""
    input_kernels = unit.input_gates.weight.chunk(3)
    biases = unit.input_gates.bias.chunk(3)
    state_kernels = unit.hidden_gates.weight.chunk(3)
    state = torch.zeros_like(feature)
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
        yield state


def test_equals_the_equations(unit):
    feature = 2 * torch.randn(2, 4, 6, 5)
    states = unit(feature)
    assert len(states) == 3
    for state, expected in zip(states, unroll_plainly(unit, feature), strict=True):
        assert torch.allclose(state, expected, atol=1e-6)


def test_any_size_in_any_call(unit):
    for height, width in ((8, 8), (3, 5), (16, 4)):
        assert unit(torch.randn(1, 4, height, width))[-1].shape == (1, 4, height, width)


def test_states_differ_and_are_bounded(unit):
    states = unit(5 * torch.randn(1, 4, 6, 6))
    assert not torch.allclose(states[0], states[1])
    assert not torch.allclose(states[1], states[2])
    assert all((state.abs() < 1).all() for state in states)


def test_all_parameters_learn(unit):
    unit(torch.randn(1, 4, 5, 5))[-1].sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in unit.parameters())
