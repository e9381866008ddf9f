from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks.accuracy.metres import DIMS_NOISE, META, POINT_NOISE, measure
from benchmarks.accuracy.metric_scenes import make_scene
from cpose.errors import ConfigError
from cpose.metric_scale.base import Cuboid, KnownLength
from cpose.metric_scale.metric_poses import MetricScaling, solve_factor
from cpose.registry import SCALE_SOURCES
from cpose.structures.object_pose import Track, VideoFrame

from ..user_errors import raises

EXACT = {
    'height': lambda scene: {'type': 'KnownDimensions', 'height': scene.box.dims[1].item()},
    'camera height': lambda scene: {'type': 'CameraHeight', 'metres': scene.scene.camera.height},
    'camera height and pitch': lambda scene: {
        'type': 'CameraHeight', 'metres': scene.scene.camera.height, 'pitch_deg': scene.pitch_deg,
        'roll_deg': scene.roll_deg,
    },
}  # fmt: skip


@pytest.fixture(scope='module')
def scene():
    return make_scene(5)


def scaled(config, scene, **changes):
    return MetricScaling(config, META).apply(replace(scene.result, **changes), scene)


@pytest.mark.parametrize('source', EXACT)
def test_exact_poses_become_true_ones(source, scene):
    pose = scaled(EXACT[source](scene), scene).poses[0]
    np.testing.assert_allclose(pose.location_cv, scene.location_cv, atol=1e-9)
    np.testing.assert_allclose(pose.dims, scene.box.dims, atol=1e-9)
    np.testing.assert_allclose(pose.keypoints_image, scene.pose.keypoints_image, atol=1e-6)
    camera = scene.scene.camera
    np.testing.assert_allclose(
        pose.keypoints_cv, camera.to_cv(scene.box.keypoints_world), atol=1e-9
    )
    assert pose.has_metres
    assert scene.pose.metric_scale is None


@pytest.mark.slow
def test_errors_are_as_large_as_told():
    """Errors in standard deviations spread as normal ones do, for every source."""
    for name, values in measure(25).items():
        found = np.array(values)[:, 2]
        known = found[np.isfinite(found)]
        assert len(known) > len(found) / 2, name
        assert 0.4 < np.sqrt(np.mean(known**2)) < 1.6, name


def test_one_length_leaves_the_pose(scene):
    cuboid = Cuboid.of_pose(scene.pose)
    solved = solve_factor(cuboid, np.eye(9), [KnownLength(0.3, 0.03, lambda c: c.dims[1])])
    np.testing.assert_allclose(solved.cuboid.dims, cuboid.dims)
    np.testing.assert_allclose(np.exp(solved.log_factor), 0.3)
    # The height is uncertain by 1, the length by a tenth.
    np.testing.assert_allclose(solved.covariance[9, 9], 1 + 0.01, rtol=1e-2)


def test_what_is_measured_along_the_ray_is_certain_there(scene):
    """A known distance gives the depth its own certainty, whatever that of the proportions."""
    distance = partial(lambda cuboid: cuboid.location[2])
    covariance = np.diag([0.1] * 3 + [0.01, 0.01, 1.0] + [0.1] * 3)
    solved = solve_factor(
        Cuboid.of_pose(scene.pose), covariance, [KnownLength(2.0, 0.02, distance)]
    )
    row = np.zeros(10)
    row[5], row[9] = 1, scene.pose.location_cv[2]
    std = np.sqrt(row @ solved.covariance @ row) / scene.pose.location_cv[2]
    np.testing.assert_allclose(std, 0.01, rtol=1e-3)


def test_several_lengths_correct_the_proportions():
    noisy = make_scene(5, POINT_NOISE, 3 * DIMS_NOISE)
    names = dict(zip(('width', 'height', 'length'), noisy.box.dims.tolist(), strict=True))
    pose = scaled({'type': 'KnownDimensions', **names}, noisy).poses[0]
    before = np.abs(np.log(noisy.pose.dims / noisy.box.dims * noisy.box.dims[1]))
    after = np.abs(np.log(pose.dims / noisy.box.dims))
    assert before.max() > 0.03
    assert after.max() < 0.01


@SCALE_SOURCES.register_module()
class FirstFrameOnly:
    """Know one height in the first frame, another in the second, and nothing afterwards."""

    name = 'first frame'

    def __init__(self):
        self.heights = iter((0.2, 0.3))

    def find_lengths(self, result, view):
        height = next(self.heights, None)
        if height is None:
            return ['nothing more is known'] * len(result.poses)
        return [[KnownLength(height, 0.001, lambda c: c.dims[1])]] * len(result.poses)


def test_factors_of_a_track_are_averaged_and_kept(scene):
    scaling = MetricScaling({'type': 'FirstFrameOnly'}, META)
    track = Track(1, 1, np.zeros((1, 2)), found=scene.pose)
    frames = [VideoFrame('a', number, number / 30, 30.0) for number in range(3)]
    results = []
    for frame in [*frames, VideoFrame('b', 0, 0.0, 30.0)]:
        pose = replace(scene.pose, track=track)
        result = replace(scene.result, poses=[pose], video_frame=frame)
        results.append(scaling.apply(result, scene).poses[0])
    # Certainties are relative: a millimetre of 0.3 m counts more than one of 0.2 m.
    factors = [pose.metric_scale.factor for pose in results[:3]]
    assert factors[0] == pytest.approx(0.2)
    assert factors[1] == pytest.approx(0.264, abs=0.001)
    assert factors[2] == factors[1]
    # Errors of successive frames are much alike: two of them are no surer than one.
    stds = [pose.metric_scale.dims_std[1] / pose.dims[1] for pose in results[:3]]
    assert min(stds[:2]) < stds[2] < max(stds[:2])
    np.testing.assert_allclose(
        results[1].track.found.location_cv, factors[1] * scene.pose.location_cv
    )
    assert results[3].metric_scale.failure == 'nothing more is known'


def test_objects_without_pose_and_images_without_camera_stay(scene):
    unposed = replace(scene.pose, location_cv=None, quaternion_xyzw=None, keypoints_cv=None)
    config = EXACT['height'](scene)
    assert scaled(config, scene, poses=[unposed]).poses == [unposed]
    assert scaled(config, scene, intrinsics=None).poses == [scene.pose]
    assert MetricScaling(None).apply(scene.result, scene).poses == [scene.pose]


def test_a_class_of_another_kind_is_refused():
    SCALE_SOURCES.register_module(name='NoSource', module=dict)
    with raises(ConfigError, 'find_lengths, name', value='dict', key='type'):
        MetricScaling({'type': 'NoSource'})
