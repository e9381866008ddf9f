import numpy as np
import pytest
from mmengine.config import Config
from mmengine.visualization import Visualizer

from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.image_sources import SourceImage
from cpose.apis.inference.inference_parts import (
    build_pipeline,
    build_visualizer,
    choose_input_wh,
    find_categories,
    find_drawer,
    make_record,
    set_input_wh,
)
from cpose.errors import ConfigError
from cpose.visualization.pose_drawer import PoseDrawer

from ...user_errors import raises


def config_of(**dataset):
    return Config({'test_dataloader': {'dataset': dataset}})


@pytest.mark.parametrize(
    ('config', 'given', 'expected'),
    [
        (config_of(input_wh=(64, 96)), None, (64, 96)),
        (config_of(input_wh=(64, 96)), [128, 32], (128, 32)),
        (Config({}), None, (512, 512)),
    ],
)
def test_input_size(config, given, expected):
    assert choose_input_wh(config, given) == expected


@pytest.mark.parametrize(
    'given', [(64, 60), (0, 64), (64,), (-32, 32), (64, 64, 64), 64, 'wide', (64.5, 64)]
)
def test_wrong_input_size(given):
    with raises(ConfigError):
        choose_input_wh(config_of(), given)


def test_categories():
    assert find_categories(config_of(metainfo={'category': ['cup', 'mug']})) == ('cup', 'mug')
    assert find_categories(Config({})) == ('object',)


def test_without_test_data_the_training_data_tell():
    dataset = {'metainfo': {'category': 'cup'}, 'input_wh': (64, 96), 'pipeline': ['augmentation']}
    config = Config(
        {
            'train_dataloader': {'dataset': dataset},
            'val_dataloader': None,
            'test_dataloader': None,
            'visualizer': None,
        }
    )
    assert find_categories(config) == ('cup',)
    assert choose_input_wh(config, None) == (64, 96)
    steps = [type(step).__name__ for step in build_pipeline(config).transforms]
    assert steps == ['LoadPoseImage', 'LetterboxAffine', 'PackPoseInputs']
    assert build_visualizer(config, ['cup']).dataset_meta == {'category': ('cup',)}
    set_input_wh(config, (32, 64))
    assert choose_input_wh(config, None) == (32, 64)


def test_pipeline_makes_a_network_input():
    image = SourceImage('a', 'a.png', np.full((60, 80, 3), 7, dtype=np.uint8))
    camera = Camera(np.diag([70.0, 70.0, 1.0]))
    for config in (Config({}), config_of(pipeline=[{'type': 'LetterboxAffine'}, PACK])):
        packed = build_pipeline(config)(make_record(image, camera, (64, 96)))
        assert packed['inputs'].shape == (3, 96, 64)
        sample = packed['data_samples']
        assert (sample.image_path, sample.image_wh) == ('a.png', (80, 60))
        np.testing.assert_array_equal(sample.intrinsics, camera.intrinsics)
    assert make_record(image, None, (64, 96))['intrinsics'] is None


PACK = {'type': 'PackPoseInputs'}


def test_visualizer_writes_nothing_and_stays_apart_from_training(tmp_path):
    given = {'type': 'PoseVisualizer', 'axis_length': 2.0, 'save_dir': str(tmp_path)}
    config = Config({'visualizer': {**given, 'vis_backends': [{'type': 'LocalVisBackend'}]}})
    known = dict(Visualizer._instance_dict)
    visualizer = build_visualizer(config, ['cup'])
    assert visualizer.axis_length == 2.0
    assert visualizer.drawer.categories == ('cup',)
    visualizer.add_image('a', np.zeros((4, 4, 3), dtype=np.uint8))
    assert not list(tmp_path.iterdir())
    assert Visualizer._instance_dict == known
    assert build_visualizer(Config({}), ['cup']).axis_length == 0.5


def test_drawer_is_that_of_the_visualizer():
    given = {'type': 'PoseVisualizer', 'show_labels': False}
    drawer = find_drawer(build_visualizer(Config({'visualizer': given}), ['cup']), ['cup'])
    assert drawer == PoseDrawer(('cup',), show_labels=False)
    assert find_drawer(object(), ('cup',)) == PoseDrawer(('cup',))
