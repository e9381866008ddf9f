"""Files of Isaac Sim's writer in TAO's tasks."""

import json

import pytest

from cpose.errors import DataError
from cpose.models.backbones.fan import ARCHS

from ..datasets.written_cases import copy_case
from ..user_errors import raises
from .bike_example import TINY_FAN, make_example, run

pytestmark = pytest.mark.filterwarnings('ignore:No GPU is visible')


@pytest.fixture(autouse=True)
def _tiny_network(monkeypatch):
    monkeypatch.setitem(ARCHS, 'small', TINY_FAN)


@pytest.mark.slow
def test_train_evaluate_and_infer(tmp_path):
    make_example(tmp_path)
    root = copy_case('isaac_writer', tmp_path)
    data = [f'dataset.{name}={root}' for name in ('train_data', 'val_data')]
    run(tmp_path, 'train', *data, 'train.num_epochs=1')
    run(tmp_path, 'evaluate', f'dataset.test_data={root}')
    run(tmp_path, 'inference', f'dataset.inference_data={root}')
    results = sorted((tmp_path / 'results/inference').rglob('00000*.json'))
    assert [json.loads(file.read_text())['image_name'] for file in results] == [
        f'00000{number}.png' for number in range(3)
    ]


def test_contradictions_end_the_task(tmp_path):
    make_example(tmp_path)
    root = copy_case('dope_order', tmp_path)
    with raises(DataError, '3 of 3', value=str(root)):
        run(tmp_path, 'train', f'dataset.train_data={root}')
