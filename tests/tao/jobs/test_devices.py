import pytest
import torch

from cpose.errors import ConfigError
from cpose.tao.jobs.processes import choose_gpus, use_gpus

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
    ('number', 'word', 'message'),
    [
        (0, 'train.num_gpus=2', r'train\.gpu_ids=\[0, 1\] is not allowed: 0 GPUs are visible'),
        (2, 'train.gpu_ids=[2]', r'2 GPUs are visible. Allowed: numbers from 0 to 1'),
    ],
)
def test_gpus_that_are_not_there(tmp_path, visible, number, word, message):
    visible(number)
    with pytest.raises(ConfigError, match=message):
        choose_gpus(make_spec(tmp_path, word), 'train')


@pytest.mark.parametrize(
    ('word', 'named'),
    [('inference.num_gpus=2', r'num_gpus=2'), ('inference.gpu_ids=[0,1]', r'gpu_ids=\[0, 1\]')],
)
def test_inference_runs_in_one_process(tmp_path, visible, word, named):
    visible(2)
    with pytest.raises(ConfigError, match=f'Command line: inference.{named} .* in one process'):
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
