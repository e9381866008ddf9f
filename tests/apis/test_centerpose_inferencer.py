import inspect

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from cpose.apis.builder import build_model
from cpose.apis.calibration import Camera
from cpose.apis.centerpose_inferencer import CenterPoseInferencer
from cpose.codecs.pose_recovery import PoseRecovery
from cpose.errors import ConfigError, DataError
from cpose.structures.camera import intrinsic_matrix

from .inference_scenes import (
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
    with pytest.warns(UserWarning, match='No camera is known'):
        assert next(inferencer(grey_image(50))).poses[0].has_pose


def test_errors_stop_or_are_handed_over(inferencer, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), grey_image(50))
    (tmp_path / 'b.png').write_bytes(b'')
    with pytest.raises(DataError, match=r'b\.png'):
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
    [({'batch_size': 0}, 'batch_size=0'), ({'camera': (1, 2)}, 'camera has 2 numbers')],
)
def test_wrong_arguments_are_refused_at_once(inferencer, arguments, message):
    with pytest.raises(ConfigError, match=message):
        inferencer(grey_image(50), **arguments)


@pytest.mark.parametrize('input_wh', [(64, 60), (0, 64), (64,)])
def test_wrong_input_size(input_wh):
    with pytest.raises(ConfigError, match='input_wh'):
        CenterPoseInferencer(tiny_config(), input_wh=input_wh, detector=PerfectDetector())


def test_nothing_given():
    with pytest.raises(ConfigError, match='Neither a config nor a checkpoint'):
        CenterPoseInferencer()


def test_with_a_model():
    """The network's own way gives the same as preprocessing, forward and recovery by hand."""
    torch.manual_seed(0)
    config = tiny_config()
    inferencer = CenterPoseInferencer(config, device='cpu')
    model = inferencer._detector.model
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    (result,) = inferencer(noise, use_pnp=False, score_thr=0.05)
    pixels, sample = inferencer._prepare(next(iter_images(noise)), None)
    with torch.no_grad():
        inputs = model.data_preprocessor({'inputs': [pixels]})['inputs']
        decoded = model.head.codec.decode(model(inputs, mode='tensor'))
    expected = PoseRecovery(score_thr=0.05)(decoded, [sample])[0]
    assert len(result.poses) == len(expected) > 0
    for pose, other in zip(result.poses, expected, strict=True):
        np.testing.assert_allclose(pose.bbox_image, other.bbox_image, atol=1e-3)
    assert not model.training
    assert isinstance(build_model(config).head.recovery, PoseRecovery)


def iter_images(image):
    from cpose.apis.image_sources import read_images

    return read_images(image)
