import warnings

import pytest

from cpose.tao.spec.key_list import spec_keys
from cpose.tao.spec.readings import READINGS, warn_of_readings

from ..specs import MINIMAL, TRAIN_EXAMPLE, make_spec

TRT = 'gen_trt_engine.tensorrt'


def warned_keys(spec, task):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        warn_of_readings(spec, task)
    return [
        reading.key
        for reading in READINGS
        if any(f': {reading.key}: ' in str(item.message) for item in caught)
    ]


def test_keys_exist():
    assert {reading.key for reading in READINGS} <= set(spec_keys())


@pytest.mark.parametrize('task', ['train', 'evaluate'])
def test_example_of_the_documentation_is_clear(tmp_path, task):
    assert warned_keys(make_spec(tmp_path, values=TRAIN_EXAMPLE), task) == []


@pytest.mark.parametrize(
    ('task', 'words', 'expected'),
    [
        ('train', [], ['model.backbone.model_type', 'dataset.category']),
        (
            'train',
            [
                'dataset.category=bottle',
                'dataset.num_symmetry=3',
                'model.backbone.model_type=DLA34',
            ],
            ['dataset.num_symmetry'],
        ),
        (
            'train',
            [
                'dataset.category=bottle',
                'dataset.num_symmetry=12',
                'model.backbone.model_type=DLA34',
            ],
            [],
        ),
        (
            'train',
            [
                'dataset.category=x',
                'model.backbone.model_type=fan_base',
                'model.backbone.pretrained_backbone_path=w',
            ],
            ['model.backbone.pretrained_backbone_path'],
        ),
        ('evaluate', ['evaluate.opencv=true'], ['evaluate.opencv']),
        ('inference', [], ['inference.opencv', 'inference.focal_length_x']),
        ('inference', ['inference.opencv=true', 'inference.use_pnp=false'], []),
        ('export', [], []),
        ('export', ['encryption_key=tlt_encode'], ['encryption_key']),
        ('export', ['encryption_key=mine'], []),
        ('gen_trt_engine', [], []),
        ('gen_trt_engine', [f'{TRT}.data_type=int8'], [f'{TRT}.calibration.cal_batches']),
        ('gen_trt_engine', [f'{TRT}.data_type=int8', f'{TRT}.calibration.cal_batches=9'], []),
    ],
)
def test_open_readings(tmp_path, task, words, expected):
    assert warned_keys(make_spec(tmp_path, *words), task) == expected


def test_default_folder(tmp_path):
    values = {name: part for name, part in MINIMAL.items() if name != 'results_dir'}
    assert warned_keys(make_spec(tmp_path, values=values), 'export') == ['results_dir']
    assert warned_keys(make_spec(tmp_path, 'export.results_dir=own', values=values), 'export') == []
    other = make_spec(tmp_path, 'evaluate.results_dir=own', values=values)
    assert warned_keys(other, 'export') == ['results_dir']
