from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cpose.deploy.engines.build_settings import choose_profile
from cpose.deploy.runtimes.base import Runtime
from cpose.errors import ConfigError, DataError, OutputError
from cpose.tao.spec.key_list import spec_keys
from cpose.tao.tasks.run import KEYS, errors_in_spec_words

from ..specs import make_spec

TRT = 'gen_trt_engine.tensorrt'


def test_keys_exist():
    for task in ('evaluate', 'inference'):
        assert {key.format(task=task) for key in KEYS.values()} <= set(spec_keys())


def test_error_names_place_and_keys_of_the_spec(tmp_path):
    spec = make_spec(tmp_path, f'{TRT}.min_batch_size=9')
    with (
        pytest.raises(ConfigError, match=f'^Command line: .*min=9.*{TRT}.min_batch_size'),
        errors_in_spec_words(spec, 'gen_trt_engine'),
    ):
        choose_profile(None, 9, 4, 8)


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('x exists, or overwrite it with --force.', 'x exists, or remove it.'),
        ('Give more (--calib-batch-size).', f'({TRT}.calibration.cal_batch_size).'),
        ('The disk is full; choose another --work-dir.', 'line 1: The disk is full; choose'),
        ('Full. Choose another one with --out.', 'Full. Choose another results_dir.'),
        ('Nothing of that.', 'Nothing of that.'),
    ],
)
@pytest.mark.parametrize('kind', [OutputError, DataError])
def test_options_become_keys(tmp_path, text, expected, kind):
    spec = make_spec(tmp_path, values='results_dir: x')
    with pytest.raises(kind) as caught, errors_in_spec_words(spec, 'train'):
        raise kind(text)
    assert expected in str(caught.value)
    assert '--' not in str(caught.value)


def test_batch_of_the_task(tmp_path):
    spec = make_spec(tmp_path, 'evaluate.batch_size=9')
    runtime = StandIn()
    with (
        pytest.raises(ConfigError, match=r'^Command line: .* batch \(evaluate\.batch_size\)'),
        errors_in_spec_words(spec, 'evaluate'),
    ):
        runtime(torch.zeros(9, 3, 64, 64))


class StandIn(Runtime):
    """A file for batches of one image."""

    path, batch_limits = Path('a.onnx'), (1, 1)
    metadata = SimpleNamespace(input_wh=(64, 64))

    def run(self, inputs):
        raise AssertionError

    def describe(self):
        return ''
