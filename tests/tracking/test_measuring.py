from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy.tracked_scenes import CAMERA, POINT_NOISE, find_objects, make_scenes
from cpose.codecs.symmetries import CuboidSymmetry, NoSymmetry, RotationalSymmetry
from cpose.geometry.cuboid_pose import measure, pose_keypoints
from cpose.geometry.pnp import solve_cuboid_pnp
from cpose.geometry.projection import project_points
from cpose.geometry.rotation import (
    multiply_quaternions,
    quaternion_from_vector,
    vector_from_quaternion,
)
from cpose.tracking.measuring import choose_labelling, list_labellings

TINY = 1e-3


@pytest.fixture
def poses():
    return find_objects(make_scenes()['nothing moves'], 0, np.random.default_rng(0))[0].poses


def test_covariance_is_that_of_solved_poses(poses):
    """Poses of many noisy corners scatter as the covariance says."""
    pose, rng = poses[0], np.random.default_rng(1)
    measured = measure([pose], CAMERA, POINT_NOISE, TINY)
    corners = project_points(pose.keypoints_cv, CAMERA)[1:]
    sigma = POINT_NOISE * np.sqrt(corners.var(axis=0).sum())
    errors = []
    for _ in range(400):
        points = np.repeat(corners + rng.normal(0, sigma, (8, 2)), 2, axis=0)
        solved = solve_cuboid_pnp(points, pose.dims, CAMERA).pose
        turn = multiply_quaternions(solved.quaternion_xyzw, pose.quaternion_xyzw * [-1, -1, -1, 1])
        errors.append(
            np.concatenate([vector_from_quaternion(turn), solved.location_cv - pose.location_cv])
        )
    expected = np.sqrt(np.diag(measured.covariance[0])[:6])
    np.testing.assert_allclose(np.std(errors, axis=0), expected, rtol=0.15)


def test_predicted_deviations_count(poses):
    def covariance(corner_std, dims_std):
        extras = {'keypoints_std': np.full((8, 2), corner_std), 'dims_std': np.full(3, dims_std)}
        return measure([replace(poses[0], extras=extras)], CAMERA, POINT_NOISE, 0.2).covariance[0]

    sure, unsure = covariance(5.0, TINY), covariance(15.0, TINY)
    np.testing.assert_allclose(np.diag(unsure)[:6] / np.diag(sure)[:6], 9, rtol=0.1)
    assert covariance(5.0, 0.1)[6, 6] > 5 * sure[6, 6]
    # The height of 1 is no measurement.
    assert sure[7, 7] < 1.01e-6


@pytest.mark.parametrize('symmetry', [NoSymmetry(), CuboidSymmetry(), RotationalSymmetry(12)])
def test_labellings_are_those_of_the_symmetry(symmetry, poses):
    """The nearest labelling to each candidate is that candidate."""
    labellings = list_labellings(symmetry)
    measured = measure([poses[1]], CAMERA, POINT_NOISE, 0.1)
    keypoints, dims = symmetry.candidates(poses[1].keypoints_cv, poses[1].dims)
    for turned, turn, axes, extents in zip(
        keypoints, labellings.quaternions, labellings.axes, dims, strict=True
    ):
        target = multiply_quaternions(measured.quaternion[0], turn)
        wobble = multiply_quaternions(quaternion_from_vector([0.05, 0.02, 0]), target)
        chosen = choose_labelling(measured, [labellings], wobble[None], np.log(extents)[None])
        np.testing.assert_allclose(chosen.dims[0], extents)
        same = pose_keypoints(chosen.quaternion, chosen.location, chosen.dims)[0]
        np.testing.assert_allclose(same[1:], turned[1:], atol=1e-6)
        places = [*range(6), *(6 + axes)]
        np.testing.assert_array_equal(
            chosen.covariance[0], measured.covariance[0][np.ix_(places, places)]
        )
