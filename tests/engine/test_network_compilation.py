import pytest
import torch
from mmengine.model import BaseDataPreprocessor
from torch import nn

from cpose.engine.acceleration import compile_network
from cpose.errors import ConfigError

from ..user_errors import raises


def build():
    torch.manual_seed(0)
    parts = {
        'data_preprocessor': BaseDataPreprocessor(),
        'backbone': nn.Linear(3, 4),
        'head': nn.Linear(4, 2),
    }
    return nn.ModuleDict(parts)


@pytest.mark.parametrize('settings', [None, False])
def test_nothing_to_compile(settings):
    model = build()
    compile_network(model, settings)
    assert all(part._compiled_call_impl is None for part in model.children())


@pytest.mark.slow
def test_compiled_parts_give_the_same_and_keep_their_names():
    torch.compiler.reset()  # a function that was compiled too often before is not compiled again
    model, plain = build(), build()
    calls = []

    def backend(graph, inputs):
        calls.append(graph)
        return graph.forward

    compile_network(model, {'backend': backend})
    images = torch.randn(5, 3)
    assert model['head'](model['backbone'](images)).equal(plain['head'](plain['backbone'](images)))
    assert len(calls) == 2
    assert model['data_preprocessor']._compiled_call_impl is None
    assert model.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.parametrize('settings', ['x', 7, [], {'backend': 'os.system'}])
def test_settings_that_compile_nothing(settings):
    argument = 'backend' if isinstance(settings, dict) else 'compile'
    with raises(ConfigError, argument=argument):
        compile_network(nn.Sequential(nn.Linear(2, 2)), settings)
