from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop

from cpose.engine.hooks.pose_visualization_hook import PoseVisualizationHook
from cpose.errors import ConfigError
from cpose.registry import VISUALIZERS
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.visualization.pose_drawer import PoseDrawer
from cpose.visualization.pose_visualizer import annotated_result

from ...user_errors import raises
from ...visualization.scenes import (
    CAMERA,
    IMAGE_WH,
    annotations_of,
    grey_image,
    posed_object,
    result_of,
)

INPUT_FROM_IMAGE = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 8.0]])
INPUT_WH = (IMAGE_WH[0] // 2, IMAGE_WH[1] // 2 + 16)


def annotated(path='a.png', **changes):
    annotations = annotations_of(posed_object((0.2, 0.1, 5.0)))
    return PoseDataSample(
        path, IMAGE_WH, INPUT_WH, INPUT_FROM_IMAGE, CAMERA, annotations=annotations, **changes
    )


def batch_of(*samples):
    pixels = cv2.warpAffine(grey_image(), INPUT_FROM_IMAGE, INPUT_WH)
    inputs = [torch.from_numpy(pixels.transpose(2, 0, 1)) for _ in samples]
    return {'inputs': inputs, 'data_samples': list(samples)}


@pytest.fixture
def runner(tmp_path):
    visualizer = VISUALIZERS.build(
        {
            'type': 'PoseVisualizer',
            'name': str(tmp_path),
            'vis_backends': [{'type': 'LocalVisBackend'}],
            'save_dir': str(tmp_path),
        }
    )
    return SimpleNamespace(visualizer=visualizer, _train_loop={})


def drawn(folder):
    return sorted(path.name for path in folder.rglob('*.png'))


@pytest.mark.parametrize('has_file', [True, False])
def test_annotation_on_the_left_prediction_on_the_right(runner, tmp_path, has_file):
    path = tmp_path / 'photo.bmp'
    if has_file:
        cv2.imwrite(str(path), grey_image())
    hook, sample = PoseVisualizationHook(), annotated(str(path))
    runner._train_loop, runner.iter = object.__new__(EpochBasedTrainLoop), 7
    hook.before_val_epoch(runner)
    hook.after_val_iter(runner, 0, batch_of(sample), [result_of(posed_object())])
    assert drawn(tmp_path) == ['val_0_photo_7.png']
    picture = cv2.imread(str(next(tmp_path.rglob('val_0_photo_7.png')))).astype(int)
    halves = np.split(picture, 2, axis=1)
    for half, result in zip(
        halves, (annotated_result(sample), result_of(posed_object())), strict=True
    ):
        expected = PoseDrawer().draw(grey_image(), result).astype(int)
        # The border of an image that comes from a smaller network input is blurred.
        assert np.abs(half - expected)[4:-4, 4:-4].max() <= 1
    assert np.abs(halves[0] - halves[1]).max() > 50


def test_every_third_image_of_an_epoch(runner, tmp_path):
    hook = PoseVisualizationHook(interval=3)
    for _ in range(2):
        hook.before_test_epoch(runner)
        for number in range(2):
            samples = [annotated(f'{2 * number}.png'), annotated(f'{2 * number + 1}.png')]
            hook.after_test_iter(runner, number, batch_of(*samples), [result_of(), result_of()])
    assert drawn(tmp_path) == ['test_0_0_0.png', 'test_3_3_0.png']


def test_weak_objects_and_images_that_could_not_be_read_are_left_out(runner, tmp_path):
    hook = PoseVisualizationHook(interval=1, score_thr=0.99)
    samples = [annotated('a.png'), annotated('b.png', is_replacement=True)]
    hook.after_test_iter(runner, 0, batch_of(*samples), [result_of(posed_object()), result_of()])
    assert drawn(tmp_path) == ['test_0_a_0.png']
    right = cv2.imread(str(next(tmp_path.rglob('*.png'))))[:, IMAGE_WH[0] :]
    assert np.abs(right.astype(int) - grey_image())[4:-4, 4:-4].max() <= 1


def test_off(runner, tmp_path):
    hook = PoseVisualizationHook(draw=False)
    hook.after_val_iter(runner, 0, batch_of(annotated()), [result_of()])
    assert drawn(tmp_path) == []


def test_interval_of_none():
    with raises(ConfigError, argument='interval', value=0):
        PoseVisualizationHook(interval=0)


def test_visualizer_of_another_kind(build_runner):
    runner = build_runner({'default_hooks.visualization.draw': True})
    with raises(ConfigError, key='visualizer.type'):
        runner.val()
