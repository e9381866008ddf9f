import pytest
import torch

from cpose.errors import ConfigError
from cpose.tao.jobs.processes import choose_gpus, use_gpus

from ...user_errors import raises
from ..specs import make_spec


@pytest.fixture
def visible(monkeypatch):
    def set_number(number):
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: number)

    return set_number


def test_cpu_takes_the_place_of_one_gpu(tmp_path, visible):
    visible(0)
    with pytest.warns(UserWarning, match='No GPU is visible, so train uses the CPU'):
        assert choose_gpus(make_spec(tmp_path), 'train') == []
    assert choose_gpus(make_spec(tmp_path, 'export.on_cpu=true'), 'export') == []


@pytest.mark.parametrize(
    ('number', 'word', 'value', 'allowed'),
    [
        (0, 'train.num_gpus=2', [0, 1], 'CPU'),
        (2, 'train.gpu_ids=[2]', [2], '0 to 1'),
    ],
)
def test_gpus_that_are_not_there(tmp_path, visible, number, word, value, allowed):
    visible(number)
    with raises(ConfigError, str(number), spec_key='train.gpu_ids', value=value) as caught:
        choose_gpus(make_spec(tmp_path, word), 'train')
    assert allowed in caught.value.advice[0]


@pytest.mark.parametrize(
    ('word', 'value'), [('inference.num_gpus=2', 2), ('inference.gpu_ids=[0,1]', [0, 1])]
)
def test_inference_runs_in_one_process(tmp_path, visible, word, value):
    visible(2)
    key = word.partition('=')[0]
    with raises(ConfigError, 'one GPU', spec_key=key, where='Command line', value=value):
        choose_gpus(make_spec(tmp_path, word), 'inference')


def test_first_gpu_becomes_the_current_one(tmp_path, visible, monkeypatch):
    visible(4)
    chosen = []
    monkeypatch.setattr(torch.cuda, 'set_device', chosen.append)
    use_gpus(make_spec(tmp_path, 'evaluate.gpu_ids=[3,1]'), 'evaluate')
    assert chosen == [3]
    monkeypatch.setenv('LOCAL_RANK', '1')
    use_gpus(make_spec(tmp_path), 'train')
    assert chosen == [3]


@pytest.mark.filterwarnings('error')
def test_an_engine_is_not_said_to_be_built_on_the_cpu(tmp_path, visible):
    visible(0)
    assert choose_gpus(make_spec(tmp_path), 'gen_trt_engine') == []


def test_gpu_of_an_export(tmp_path, visible):
    visible(0)
    with raises(ConfigError, spec_key='export.gpu_id', value=3) as caught:
        choose_gpus(make_spec(tmp_path, 'export.gpu_id=3'), 'export')
    assert caught.value.advice[0] == 'Allowed: 0, which stands for the CPU'
    with raises(ConfigError, 'a whole number from 0', spec_key='export.gpu_id', value=[0]):
        make_spec(tmp_path, 'export.gpu_id=[0]')
