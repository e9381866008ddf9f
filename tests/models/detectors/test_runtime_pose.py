from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.detectors.runtime_pose import RuntimePose
from cpose.registry import RUNTIMES
from cpose.shipped_configs import shipped_head
from cpose.structures.pose_data_sample import PoseDataSample

from ...shipped_parts import part
from ...user_errors import raises


class OneBox:
    """Find one box in cells 2 to 6 of every image, at the score of its first value."""

    def __init__(self, path, scale=8):
        self.path = path
        self.metadata = SimpleNamespace(input_wh=(64, 32), stride=scale)
        self.pixels = {'mean': (0, 0, 0), 'std': (1, 1, 1), 'channel_order': 'rgb'}

    def __call__(self, inputs):
        count = len(inputs)
        assert inputs.shape == (count, 3, 32, 64)
        return {
            'bboxes': torch.tensor([2.0, 2.0, 6.0, 6.0]).expand(count, 1, 4),
            'scores': inputs[:, :1, 0, :1],
            'clses': torch.zeros(count, 1, 1),
            'obj_scale': torch.ones(count, 1, 3),
            'kps_displacement_mean': torch.full((count, 1, 16), 4.0),
            'kps_heatmap_mean': torch.full((count, 1, 16), -10000.0),
        }


@pytest.fixture(autouse=True)
def _registered():
    RUNTIMES.register_module(module=OneBox)
    yield
    RUNTIMES.module_dict.pop('OneBox')


def build(**changes):
    settings = {
        'runtime': {'type': 'OneBox', 'path': 'a.box'},
        'input_wh': (64, 32),
        'head': shipped_head(),
        'data_preprocessor': part('PoseDataPreprocessor'),
    }
    return RuntimePose(**{**settings, **changes})


def batch(*reds):
    pictures = [torch.zeros(3, 32, 64, dtype=torch.uint8) for _ in reds]
    for picture, red in zip(pictures, reds, strict=True):
        picture[2] = red
    sample = PoseDataSample('a.png', (64, 32), (64, 32), np.eye(2, 3))
    return {'inputs': pictures, 'data_samples': [sample] * len(reds)}


def test_test_step_prepares_runs_and_finds_poses():
    first, second = build().test_step(batch(255, 5))
    assert [pose.score for pose in first.poses] == [1.0]
    np.testing.assert_allclose(first.poses[0].bbox_image, [16, 16, 48, 48])
    assert (first.image_path, first.image_wh) == ('a.png', (64, 32))
    assert second.poses == []


def test_settings_of_the_config_reach_their_parts():
    head = shipped_head()
    head['postprocessor'].update(eval_score_thr=0.01, nms_sigma=0.25)
    model = build(runtime={'type': 'OneBox', 'path': 'a.box', 'scale': 2}, head=head)
    assert (model.postprocessor.nms_sigma, model.postprocessor.stride) == (0.25, 2)
    _, second = model.test_step(batch(255, 5))
    np.testing.assert_allclose(second.poses[0].bbox_image, [4, 4, 12, 12])


def test_pixels_of_the_file_win_over_the_config():
    given = {'type': 'PoseDataPreprocessor', 'mean': [1, 1, 1], 'std': [2, 2, 2]}
    model = build(data_preprocessor={**given, 'size_divisor': 8})
    assert model.data_preprocessor.size_divisor == 8
    assert model.data_preprocessor.channel_order == 'rgb'
    assert model.data_preprocessor(batch(255))['inputs'][0, :, 0, 0].tolist() == [1, 0, 0]


def test_modes():
    model = build()
    data = model.data_preprocessor(batch(255))
    assert model(data['inputs'])['scores'].item() == 1
    with pytest.raises(ValueError, match="mode='loss'"):
        model(**data, mode='loss')
    with pytest.raises(ValueError, match='needs data_samples'):
        model(data['inputs'], mode='predict')


def test_another_input_size():
    with raises(ConfigError, '64×32', argument='input_wh', value=(64, 64)) as caught:
        build(input_wh=(64, 64))
    assert 'a.box' in caught.value.problem
