"""Poses from corners against the reference's, for both solvers."""

import numpy as np
import pytest

from cpose.geometry.pnp import solve_cuboid_pnp, solve_in_front, solve_iteratively
from cpose.structures.camera import gl_from_cv

TOLERANCE = 1e-4
NO_STATUS = 'scrambled'
"""Kind of points for which the versions of OpenCV differ even in whether there is a pose."""


def find_cases(root):
    return {file.stem: file for file in sorted(root.glob('pnp*.npz'))}


@pytest.fixture
def vectors(case):
    with np.load(case) as arrays:
        return dict(arrays)


def solve_all(vectors, solver):
    names = ('points', 'scale', 'intrinsics')
    return [
        solve_cuboid_pnp(*arguments, solver)
        for arguments in zip(*(vectors[name] for name in names), strict=True)
    ]


def test_status(vectors):
    for index, result in enumerate(solve_all(vectors, solve_iteratively)):
        if vectors['kind'][index] != NO_STATUS:
            assert (result.pose is None) == (vectors['status'][index] == 1), (index, result.reason)


def test_start_in_front_loses_none(vectors):
    for index, result in enumerate(solve_all(vectors, solve_in_front)):
        if vectors['kind'][index] != NO_STATUS and vectors['num_unique_corners'][index] >= 4:
            assert result.pose is not None, (index, result.reason)


@pytest.mark.parametrize('solver', [solve_iteratively, solve_in_front])
def test_poses(vectors, solver):
    results = solve_all(vectors, solver)
    compared = np.flatnonzero(vectors['reference_is_optimum'])
    assert len(compared) > 0
    for index in compared:
        pose = results[index].pose
        depth = np.linalg.norm(vectors['cv_location'][index])
        quaternion = vectors['cv_quaternion'][index]
        quaternion = quaternion * np.sign(quaternion @ pose.quaternion_xyzw)
        expected = {
            'location_cv': vectors['cv_location'][index],
            'keypoints_cv': vectors['cv_point_3d_cam'][index],
        }
        for name, value in expected.items():
            error = np.abs(getattr(pose, name) - value).max() / depth
            assert error < TOLERANCE, (index, name, error)
        np.testing.assert_allclose(pose.quaternion_xyzw, quaternion, atol=TOLERANCE)
        np.testing.assert_allclose(
            pose.keypoints_image, vectors['projected_points'][index], atol=0.01
        )
        np.testing.assert_allclose(
            gl_from_cv(pose.keypoints_cv),
            vectors['gl_point_3d_cam'][index],
            atol=TOLERANCE * depth,
        )


def test_optimum_where_the_reference_stops_short(vectors):
    """Where TAO's EPnP of four or five exact points is not the optimum, this is."""
    few = (vectors['kind'] == 'few') & ~vectors['reference_is_optimum']
    points, results = vectors['points'], solve_all(vectors, solve_iteratively)
    for index in np.flatnonzero(few):
        known = points[index, :, 0] > -5000
        corners = np.repeat(results[index].pose.keypoints_image[1:], 2, axis=0)
        error = np.linalg.norm((corners - points[index])[known], axis=1)
        assert np.sqrt(np.square(error).mean()) < vectors['best_reprojection_rms'][index] + 1e-3
