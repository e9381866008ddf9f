import pytest
import torch
from torch import nn

from cpose.engine.acceleration import MixedPrecisionOptimWrapper
from cpose.errors import ConfigError

from ..user_errors import raises


def build(dtype, **options):
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model, MixedPrecisionOptimWrapper(optimizer, dtype, **options)


def step(model, wrapper, images, factor=1.0):
    with wrapper.optim_context(model):
        output = model(images)
    wrapper.update_params(output.float().square().mean() * factor)
    return output


@pytest.mark.parametrize(
    ('dtype', 'expected'), [('bf16', torch.bfloat16), ('float16', torch.float16)]
)
def test_forward_in_half_precision_weights_in_float32(dtype, expected):
    model, wrapper = build(dtype)
    assert step(model, wrapper, torch.randn(8, 4)).dtype == expected
    assert model.weight.dtype == torch.float32


@pytest.mark.parametrize('dtype', ['bf16', 'fp16'])
def test_steps_are_close_to_float32(dtype):
    images = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
    model, wrapper = build(dtype, init_scale=128.0, clip_grad={'max_norm': 0.5})
    plain = nn.Linear(4, 1)
    plain.load_state_dict(model.state_dict())
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1)
    for _ in range(5):
        step(model, wrapper, images)
        optimizer.zero_grad()
        plain(images).square().mean().backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        optimizer.step()
    torch.testing.assert_close(model.weight, plain.weight, rtol=0.02, atol=5e-3)


def test_overflow_skips_the_step_and_lowers_the_scale():
    model, wrapper = build('fp16')
    before = model.weight.detach().clone()
    step(model, wrapper, torch.full((2, 4), 1e3), factor=1e36)
    assert model.weight.equal(before)
    assert wrapper.loss_scaler.get_scale() == 32768.0
    step(model, wrapper, torch.ones(2, 4))
    assert not model.weight.equal(before)


def test_bf16_does_not_scale():
    _, wrapper = build('bf16')
    assert not wrapper.loss_scaler.is_enabled()


def test_accumulation_steps_every_second_time():
    model, wrapper = build('fp16', accumulative_counts=2)
    before = model.weight.detach().clone()
    step(model, wrapper, torch.ones(2, 4))
    assert model.weight.equal(before)
    step(model, wrapper, torch.ones(2, 4))
    assert not model.weight.equal(before)


def test_state_round_trip():
    model, wrapper = build('fp16')
    step(model, wrapper, torch.full((2, 4), 1e3), factor=1e36)
    _, other = build('fp16')
    state = wrapper.state_dict()
    other.load_state_dict(state)
    assert other.loss_scaler.get_scale() == wrapper.loss_scaler.get_scale()
    assert 'loss_scaler' in state


def test_state_without_scale_is_accepted():
    _, wrapper = build('fp16')
    wrapper.load_state_dict(wrapper.optimizer.state_dict())
    assert wrapper.loss_scaler.get_scale() == 65536.0


def test_unknown_precision():
    with raises(ConfigError, argument='dtype', value='int8'):
        build('int8')
