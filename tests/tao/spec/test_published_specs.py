"""Keys and forms that specs published for several releases of TAO have."""

from pathlib import Path

import pytest

from cpose.tao.spec.spec_file import load_spec

FOLDER = Path(__file__).parents[2] / 'data' / 'tao_specs'
TASKS = {
    'gen': 'gen_trt_engine',
    'gen2': 'gen_trt_engine',
    'syn2': 'train',
    'tao520': 'train',
    'train_synthetic': 'train',
}


@pytest.mark.parametrize('name', TASKS)
def test_is_accepted(name):
    load_spec(FOLDER / f'{name}.yaml', [], TASKS[name])


def test_what_the_forms_mean():
    calibration = load_spec(FOLDER / 'gen.yaml').values.gen_trt_engine.tensorrt.calibration
    assert calibration.cal_image_dir == ['DATA/vb']
    assert load_spec(FOLDER / 'tao520.yaml').values.train.seed == 317
    train = load_spec(FOLDER / 'train_synthetic.yaml').values.train
    assert train.checkpoint_interval == train.validation_interval == 20
