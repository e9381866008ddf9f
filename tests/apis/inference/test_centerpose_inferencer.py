import inspect
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mmengine.infer import BaseInferencer
from scipy.spatial.transform import Rotation

from cpose.apis.builder import build_model
from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.camera_io import GuessWarning
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.result_json import result_to_dict
from cpose.errors import ConfigError, DataError
from cpose.registry import TRACKERS
from cpose.structures.camera import intrinsic_matrix
from cpose.visualization.pose_drawer import PoseDrawer

from ...head_parts import make_postprocessor
from ...user_errors import raises
from ..inference_scenes import (
    CAMERA,
    DIMS,
    IMAGE_WH,
    ROTATION,
    PerfectDetector,
    grey_image,
    location_of,
    tiny_config,
)


@pytest.fixture
def detector():
    return PerfectDetector()


@pytest.fixture
def inferencer(detector):
    return CenterPoseInferencer(tiny_config(), detector=detector)


def test_poses_of_arrays(inferencer):
    results = list(inferencer([grey_image(50), grey_image(0), grey_image(200)], camera=CAMERA))
    assert [len(result.poses) for result in results] == [1, 0, 1]
    for result, brightness in ((results[0], 50), (results[2], 200)):
        pose = result.poses[0]
        np.testing.assert_allclose(pose.location_cv, location_of(brightness), atol=1e-4)
        turned = Rotation.from_quat(pose.quaternion_xyzw) * ROTATION.inv()
        assert turned.magnitude() < 1e-3
        np.testing.assert_allclose(pose.dims, DIMS)
        assert result.image_wh == IMAGE_WH
        np.testing.assert_allclose(result.intrinsics, intrinsic_matrix(*CAMERA))
    assert inferencer.categories == ('cup',)


def test_files(inferencer, tmp_path):
    for number, brightness in enumerate((60, 120)):
        cv2.imwrite(str(tmp_path / f'{number}.png'), grey_image(brightness))
    results = list(inferencer(tmp_path, camera=CAMERA))
    assert [result.image_path for result in results] == [
        str(tmp_path / '0.png'), str(tmp_path / '1.png'),
    ]  # fmt: skip
    np.testing.assert_allclose(results[1].poses[0].location_cv, location_of(120), atol=1e-4)


@pytest.mark.parametrize(('batch_size', 'batches'), [(1, [1] * 5), (2, [2, 2, 1]), (9, [5])])
def test_batches(inferencer, detector, batch_size, batches):
    values = (10, 20, 30, 40, 50)
    images = [grey_image(value) for value in values]
    results = list(inferencer(images, camera=CAMERA, batch_size=batch_size))
    assert [len(batch) for batch in detector.batches] == batches
    for value, result in zip(values, results, strict=True):
        np.testing.assert_allclose(result.poses[0].location_cv, location_of(value), atol=1e-4)


def test_generator_takes_no_more_than_a_batch(inferencer):
    taken = []

    def produce():
        for value in range(10, 100, 10):
            taken.append(value)
            yield grey_image(value)

    results = inferencer(produce(), camera=CAMERA, batch_size=2)
    assert inspect.isgenerator(results)
    assert taken == []
    next(results)
    assert taken == [10, 20]


def test_images_of_different_sizes_in_one_batch(tmp_path):
    sizes = [(80, 60), (60, 80), (40, 40)]
    inferencer = CenterPoseInferencer(tiny_config(), detector=PerfectDetector())
    images = [grey_image(50, size) for size in sizes]
    results = list(inferencer(images, camera=CAMERA, batch_size=3))
    assert [result.image_wh for result in results] == sizes


def test_without_pnp(inferencer):
    (result,) = inferencer(grey_image(50), use_pnp=False)
    assert result.intrinsics is None
    assert not result.poses[0].has_pose
    assert result.poses[0].failure is None


def test_score_threshold(inferencer):
    assert len(next(inferencer(grey_image(0), camera=CAMERA, score_thr=0.001)).poses) == 1
    assert len(next(inferencer(grey_image(50), camera=CAMERA, score_thr=0.95)).poses) == 0
    assert len(next(inferencer(grey_image(50), camera=CAMERA)).poses) == 1


def test_default_score_threshold(detector):
    """It is the one of inference, not the one of evaluation that the head has."""
    scores = iter((0.31, 0.29, 0.29))

    def unsure(images):
        return {**detector(images), 'scores': np.full((1, 1, 1), next(scores))}

    inferencer = CenterPoseInferencer(tiny_config(), detector=unsure)
    pictures = [grey_image(50)] * 2
    assert [len(result.poses) for result in inferencer(pictures, camera=CAMERA)] == [1, 0]
    assert len(next(inferencer(pictures, camera=CAMERA, score_thr=0.28)).poses) == 1
    assert build_model(tiny_config()).head.postprocessor.eval_score_thr == 0.05


def test_lens_distortion():
    lens = np.array([-0.3, 0.1, 0.001, -0.001])
    inferencer = CenterPoseInferencer(tiny_config(), detector=PerfectDetector(lens))
    camera = Camera(intrinsic_matrix(*CAMERA), lens)
    (result,) = inferencer(grey_image(50), camera=camera)
    np.testing.assert_allclose(result.poses[0].location_cv, location_of(50), atol=1e-3)
    np.testing.assert_array_equal(result.distortion, lens)
    (pinhole,) = inferencer(grey_image(50), camera=CAMERA)
    assert np.abs(pinhole.poses[0].location_cv - location_of(50)).max() > 1e-3


def test_guessed_camera_warns(inferencer):
    with pytest.warns(GuessWarning, match='as camera'):
        result = next(inferencer(grey_image(50)))
    assert result.poses[0].has_pose
    assert result.is_camera_guessed
    assert not next(inferencer(grey_image(50), camera=CAMERA)).is_camera_guessed


def test_errors_stop_or_are_handed_over(inferencer, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), grey_image(50))
    (tmp_path / 'b.png').write_bytes(b'')
    with raises(DataError):
        list(inferencer(tmp_path, camera=CAMERA))
    errors = []
    results = list(inferencer(tmp_path, camera=CAMERA, on_error=errors.append))
    assert (len(results), len(errors)) == (1, 1)


def test_camera_of_another_image_size_is_an_error_of_the_image(inferencer):
    camera = Camera(intrinsic_matrix(*CAMERA), None, (100, 100))
    errors = []
    assert not list(inferencer([grey_image(50)], camera=camera, on_error=errors.append))
    assert '100×100' in str(errors[0])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'batch_size': 0}, 'batch_size=0'),
        ({'fps': 0.0}, r'fps=0\.0'),
        ({'camera': (1, 2)}, r'camera=\(1, 2\)'),
        ({'score_threshold': 0.1}, "unknown argument {'score_threshold'}"),
    ],
)
def test_wrong_arguments_are_refused_at_once(inferencer, arguments, message):
    with pytest.raises(ValueError, match=message):
        inferencer(grey_image(50), **arguments)


@pytest.mark.parametrize('input_wh', [(64, 60), (0, 64), (64,)])
def test_wrong_input_size(input_wh):
    with raises(ConfigError):
        CenterPoseInferencer(tiny_config(), input_wh=input_wh, detector=PerfectDetector())


def test_pictures(inferencer):
    images = [grey_image(50), grey_image(0)]
    drawn, empty = inferencer(images, camera=CAMERA, return_vis=True)
    expected = PoseDrawer(('cup',)).draw(images[0], drawn)
    np.testing.assert_array_equal(drawn.picture, expected)
    np.testing.assert_array_equal(empty.picture, images[1])
    assert next(inferencer(images, camera=CAMERA)).picture is None


def test_window(inferencer, monkeypatch):
    shown = []
    monkeypatch.setattr(
        inferencer.visualizer, 'show', lambda picture, win_name, wait_time: shown.append(win_name)
    )
    assert len(list(inferencer([grey_image(50)] * 2, camera=CAMERA, show=True))) == 2
    assert shown == ['image_000000', 'image_000001']


def test_visualizer_of_the_config(detector):
    plain = {'type': 'PoseVisualizer', 'show_labels': False, 'show_points': False}
    backends = [{'type': 'TensorboardVisBackend'}]
    config = tiny_config(visualizer={**plain, 'vis_backends': backends})
    inferencer = CenterPoseInferencer(config, detector=detector)
    (result,) = inferencer(grey_image(50), camera=CAMERA, return_vis=True)
    drawer = PoseDrawer(('cup',), show_labels=False, show_points=False)
    np.testing.assert_array_equal(result.picture, drawer.draw(grey_image(50), result))


class MirroringInferencer(CenterPoseInferencer):
    """Every step changed or extended, as users of MMEngine do it."""

    preprocess_kwargs = CenterPoseInferencer.preprocess_kwargs | {'mirror'}
    postprocess_kwargs = {'keep'}  # noqa: RUF012, the way MMEngine's sets are written

    def preprocess(self, inputs, batch_size=1, mirror=False, **kwargs):
        inputs = [image[:, ::-1] if mirror else image for image in inputs]
        return super().preprocess(inputs, batch_size, **kwargs)

    def forward(self, inputs, **kwargs):
        self.seen = inputs
        return super().forward(inputs, **kwargs)

    def postprocess(self, preds, visualization, keep=100):
        cut = [replace(result, poses=result.poses[:keep]) for result in preds]
        return super().postprocess(cut, visualization)


def test_steps_of_mmengine_can_be_overridden(detector):
    assert issubclass(CenterPoseInferencer, BaseInferencer)
    inferencer = MirroringInferencer(tiny_config(), detector=detector)
    image = grey_image(50)
    image[:, :40] = 0
    (result,) = inferencer([image], camera=CAMERA, mirror=True, keep=0)
    assert result.poses == []
    assert int(inferencer.seen['inputs'][0][0, 32, 8]) == 50
    assert len(next(inferencer([image], camera=CAMERA)).poses) == 1


def test_steps_by_hand(inferencer):
    batches = list(inferencer.preprocess([grey_image(50)] * 3, batch_size=2, camera=CAMERA))
    assert [len(data['inputs']) for _, data in batches] == [2, 1]
    images, data = batches[1]
    results = inferencer.forward(data)
    (picture,) = inferencer.visualize(images, results, return_vis=True)
    assert picture.shape == (60, 80, 3)
    assert inferencer.visualize(images, results) == []
    (result,) = inferencer.postprocess(results, [picture])
    assert result.picture is picture


def test_nothing_given():
    with raises(ConfigError, argument='config', value=None):
        CenterPoseInferencer()


def test_with_a_model():
    """The network's own way gives the same as preprocessing, forward and postprocessing by hand."""
    torch.manual_seed(0)
    config = tiny_config()
    inferencer = CenterPoseInferencer(config, device='cpu')
    model = inferencer.model
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    (result,) = inferencer(noise, use_pnp=False, score_thr=0.05)
    ((_, batch),) = inferencer.preprocess(noise, use_pnp=False)
    with torch.no_grad():
        inputs = model.data_preprocessor(batch)['inputs']
        decoded = model.head.codec.decode(model(inputs, mode='tensor'))
    expected = make_postprocessor(eval_score_thr=0.05)(decoded, batch['data_samples'])[0]
    assert len(result.poses) == len(expected) > 0
    for pose, other in zip(result.poses, expected, strict=True):
        np.testing.assert_allclose(pose.bbox_image, other.bbox_image, atol=1e-3)
    assert not model.training


def test_test_step_of_the_model_gives_the_same():
    torch.manual_seed(0)
    inferencer = CenterPoseInferencer(tiny_config())
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    camera = Camera(intrinsic_matrix(*CAMERA), np.array([-0.3, 0.1, 0.001, -0.001]))
    ((_, batch),) = inferencer.preprocess(noise, camera=camera)
    (expected,) = inferencer.forward(batch, score_thr=0.05)
    (result,) = inferencer.model.test_step(batch)
    np.testing.assert_array_equal(result.distortion, camera.distortion)
    assert len(result.poses) == len(expected.poses) > 0
    for pose, other in zip(result.poses, expected.poses, strict=True):
        np.testing.assert_array_equal(pose.bbox_image, other.bbox_image)
        assert pose.has_pose == other.has_pose


def test_poses_become_metric_by_the_config(detector):
    config = tiny_config(scale_source={'type': 'KnownDimensions', 'height': 0.2})
    pose = next(CenterPoseInferencer(config, detector=detector)(grey_image(50), camera=CAMERA))
    pose = pose.poses[0]
    np.testing.assert_allclose(pose.location_cv, 0.2 * location_of(50), atol=1e-4)
    np.testing.assert_allclose(pose.dims, 0.2 * DIMS)
    assert pose.metric_scale.source == 'known_dimensions'


def test_a_model_that_predicts_metres_says_so(detector):
    config = tiny_config()
    config.merge_from_dict({'model.head.branches': {'scale': {'coder': {'type': 'AbsoluteDims'}}}})
    pose = next(CenterPoseInferencer(config, detector=detector)(grey_image(50), camera=CAMERA))
    item = result_to_dict(pose)['objects'][0]
    assert (item['unit'], item['scale_source']) == ('m', 'model')
    assert item['relative_scale'] == item['dimensions']
    np.testing.assert_allclose(item['location'], location_of(50), atol=1e-4)


@TRACKERS.register_module()
class LastSeenTracker:
    """Where nothing is found in a frame, return what was found in the frame before."""

    def reset(self):
        self.last = []

    def update(self, result, frame):
        self.last = [*result.poses] or self.last
        return replace(result, poses=self.last)


def test_tracker_of_the_config_follows_videos(detector, tmp_path):
    videos = []
    for name, grey in (('one', (50, 0, 200)), ('two', (0, 50, 0))):
        path = tmp_path / f'{name}.avi'
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, IMAGE_WH)
        for brightness in grey:
            writer.write(grey_image(brightness))
        writer.release()
        videos.append(path)
    config = tiny_config(tracker={'type': 'LastSeenTracker'})
    inferencer = CenterPoseInferencer(config, detector=detector)
    first = inferencer([*videos, grey_image(0)], batch_size=4)
    results = [next(first) for _ in range(3)]
    list(inferencer(videos[0]))  # another run in between has a tracker of its own
    results += first
    assert [len(result.poses) for result in results] == [1, 1, 1, 0, 1, 1, 0]
    assert results[1].poses is not results[2].poses
    frames = [result.video_frame for result in results]
    assert [frame.number for frame in frames[:6]] == [0, 1, 2] * 2
    assert [round(frame.time, 3) for frame in frames[:3]] == [0, 0.1, 0.2]
    assert frames[6] is None
    assert result_to_dict(results[4])['video_frame'] == {
        'video': 'two', 'number': 1, 'time': pytest.approx(0.1), 'fps': pytest.approx(10)
    }  # fmt: skip
    assert 'video_frame' not in result_to_dict(results[6])
