import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.evaluation.functional.pose_errors import (
    camera_in_object,
    fold_angle_deg,
    viewpoint_angles_deg,
)
from cpose.structures.cuboid import cuboid_keypoints


def seen_from(camera, dims=(0.3, 0.2, 0.5), turn=None):
    """Return keypoints of a cuboid in a camera that stands at ``camera`` in its frame."""
    turn = np.eye(3) if turn is None else turn
    return (cuboid_keypoints(np.array(dims)) - camera) @ turn.T


@pytest.mark.parametrize(
    ('camera', 'azimuth', 'polar'),
    [
        pytest.param((2, 0, 0), 0, 0, id='from +x'),
        pytest.param((0, 0, 2), 90, 0, id='from the front'),
        pytest.param((0, 0, -2), -90, 0, id='from behind'),
        pytest.param((1, np.sqrt(2), 1), 45, 45, id='from above'),
    ],
)
def test_angles_of_known_places(camera, azimuth, polar):
    turn = Rotation.from_rotvec([0.3, -1.2, 0.7]).as_matrix()
    measured = viewpoint_angles_deg(seen_from(np.array(camera, dtype=float), turn=turn))
    np.testing.assert_allclose(measured, (azimuth, polar), atol=1e-9)


def test_camera_keeps_its_distance_whatever_the_dims():
    camera = np.array([1.0, 2.0, 3.0])
    keypoints = np.stack([seen_from(camera, dims) for dims in ((1, 1, 1), (0.1, 5, 0.7))])
    np.testing.assert_allclose(camera_in_object(keypoints), [camera, camera], atol=1e-12)


def test_flat_cuboids_have_no_viewpoint():
    flat = seen_from(np.array([1.0, 1.0, 1.0]), (1, 0, 1))
    assert np.isnan(viewpoint_angles_deg(flat)).all()
    assert not np.isnan(viewpoint_angles_deg(np.stack([flat, seen_from(np.ones(3))]))[0][1])


@pytest.mark.parametrize(
    ('difference', 'period', 'expected'),
    [(359, 360, 1), (-350, 360, 10), (89, 90, 1), (181, 90, 1), (29.9, 30, 0.1), (45, 90, 45)],
)
def test_angles_fold_at_half_the_period(difference, period, expected):
    assert fold_angle_deg(np.array(difference), period) == pytest.approx(expected)
