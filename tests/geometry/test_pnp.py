import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.geometry.pnp import solve_cuboid_pnp, solve_in_front, solve_iteratively, spread_of_points
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

CAMERA = intrinsic_matrix(615, 618, 300.7, 392.8)
DIMS = np.array([0.8, 1.0, 0.5])
SOLVERS = pytest.mark.parametrize('solver', [solve_iteratively, solve_in_front])


def observe(rotation, location, dims=DIMS, camera=CAMERA):
    """Return both estimates (16, 2) of the corners as a camera sees them."""
    corners = rotation.apply(CORNER_SIGNS / 2 * dims) + location
    return np.repeat(project_points(corners, camera), 2, axis=0)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@SOLVERS
@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_exact_corners(rng, solver, dtype):
    for _ in range(30):
        rotation = Rotation.random(random_state=rng)
        location = np.array([*rng.uniform(-0.3, 0.3, 2), 1]) * rng.uniform(2, 8)
        dims = rng.uniform(0.3, 2, 3)
        points = observe(rotation, location, dims).astype(dtype)
        result = solve_cuboid_pnp(points, dims, CAMERA, solver)
        assert result.reason is None
        found = Rotation.from_quat(result.pose.quaternion_xyzw)
        np.testing.assert_allclose(result.pose.location_cv, location, atol=1e-4)
        assert (found * rotation.inv()).magnitude() < 1e-3
        assert result.pose.quaternion_xyzw[3] >= 0


def test_keypoints_are_the_posed_cuboid():
    rotation, location = Rotation.from_rotvec([0.4, -0.7, 0.2]), np.array([0.3, -0.2, 3.0])
    points = observe(rotation, location)
    pose = solve_cuboid_pnp(points, DIMS, CAMERA).pose
    corners = rotation.apply(CORNER_SIGNS / 2 * DIMS) + location
    np.testing.assert_allclose(pose.keypoints_cv[1:], corners, atol=1e-5)
    np.testing.assert_allclose(pose.keypoints_cv[0], location, atol=1e-5)
    np.testing.assert_allclose(pose.keypoints_image[1:], points[::2], atol=1e-3)
    np.testing.assert_allclose(pose.keypoints_image[0], points.mean(axis=0), atol=1e-3)
    assert pose.keypoints_cv.shape == (9, 3)
    assert pose.keypoints_image.shape == (9, 2)


@SOLVERS
def test_identity_rotation(solver):
    points = observe(Rotation.identity(), np.array([0.0, 0.0, 4.0]))
    pose = solve_cuboid_pnp(points, DIMS, CAMERA, solver).pose
    np.testing.assert_allclose(pose.quaternion_xyzw, [0, 0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(pose.location_cv, [0, 0, 4], atol=1e-5)


def test_skewed_camera():
    camera = CAMERA.copy()
    camera[0, 1] = 25.0
    rotation, location = Rotation.from_rotvec([0.4, -0.7, 0.2]), np.array([0.3, -0.2, 3.0])
    pose = solve_cuboid_pnp(observe(rotation, location, camera=camera), DIMS, camera).pose
    np.testing.assert_allclose(pose.location_cv, location, atol=1e-5)
    found = Rotation.from_quat(pose.quaternion_xyzw)
    assert (found * rotation.inv()).magnitude() < 1e-5


KEPT = {
    'displacement_only': list(range(0, 16, 2)),
    'heatmap_only': list(range(1, 16, 2)),
    'six': [0, 3, 5, 6, 9, 15],
    'five': [0, 3, 5, 6, 15],
    'four': [0, 3, 5, 14],
    'four_twice': [0, 1, 2, 3, 4, 5, 14, 15],
}


@SOLVERS
@pytest.mark.parametrize('missing', [np.nan, -10000.0])
@pytest.mark.parametrize('kept', KEPT.values(), ids=KEPT)
def test_missing_points(solver, missing, kept):
    rotation, location = Rotation.from_rotvec([0.4, -0.7, 0.2]), np.array([0.3, -0.2, 3.0])
    everything = observe(rotation, location)
    points = np.full((16, 2), missing)
    points[kept] = everything[kept]
    pose = solve_cuboid_pnp(points, DIMS, CAMERA, solver).pose
    np.testing.assert_allclose(pose.keypoints_image[1:], everything[::2], atol=0.01)
    np.testing.assert_allclose(pose.location_cv, location, atol=1e-3)


def test_half_missing_point_is_ignored():
    points = observe(Rotation.from_rotvec([0.4, -0.7, 0.2]), np.array([0.3, -0.2, 3.0]))
    spoilt = points.copy()
    spoilt[4] = [np.nan, 100]
    spoilt[7] = [50, -10000]
    spoilt[8] = [np.inf, 0]
    expected = solve_cuboid_pnp(points, DIMS, CAMERA).pose
    found = solve_cuboid_pnp(spoilt, DIMS, CAMERA).pose
    np.testing.assert_allclose(found.location_cv, expected.location_cv, atol=1e-5)


def only_three(points):
    points[6:] = np.nan
    return points, DIMS, CAMERA


def all_missing(points):
    return np.full_like(points, np.nan), DIMS, CAMERA


def collinear(points):
    points[:, 1] = 2 * points[:, 0] + 7
    return points, DIMS, CAMERA


def coincident(points):
    return np.full_like(points, 120.0), DIMS, CAMERA


def bad_dims(value):
    return lambda points: (points, np.array([1.0, 1.0, value]), CAMERA)


def bad_focal_length(value):
    def spoil(points):
        camera = CAMERA.copy()
        camera[0, 0] = value
        return points, DIMS, camera

    return spoil


def shuffled(points):
    order = np.random.default_rng(0).permutation(8)
    return points.reshape(8, 2, 2)[order].reshape(16, 2), DIMS, CAMERA


DEGENERATE = {
    'three_corners': (only_three, 'only 3 distinct corners'),
    'none': (all_missing, 'only 0 distinct corners'),
    'collinear': (collinear, 'on a line'),
    'coincident': (coincident, 'on a line'),
    'negative_dims': (bad_dims(-0.5), 'not positive'),
    'zero_dims': (bad_dims(0.0), 'not positive'),
    'nan_dims': (bad_dims(np.nan), 'not positive'),
    'zero_focal_length': (bad_focal_length(0.0), 'not usable'),
    'nan_focal_length': (bad_focal_length(np.nan), 'not usable'),
    'shuffled': (shuffled, 'behind the camera|looks like'),
}


@SOLVERS
def test_a_corner_that_is_not_seen_must_be_in_front_too(solver):
    dims = np.array([1.0, 1.0, 3.0])
    corners = CORNER_SIGNS / 2 * dims + [0.0, 0.0, 1.2]
    points = np.full((16, 2), np.nan)
    seen = corners[:, 2] > 0
    points[::2][seen] = project_points(corners[seen], CAMERA)
    result = solve_cuboid_pnp(points, dims, CAMERA, solver)
    assert result.pose is None
    assert result.reason == 'the cuboid would be behind the camera'


@SOLVERS
@pytest.mark.parametrize(('spoil', 'reason'), DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_input_gives_a_reason(solver, spoil, reason):
    points = observe(Rotation.from_rotvec([0.4, -0.7, 0.2]), np.array([0.3, -0.2, 3.0]))
    result = solve_cuboid_pnp(*spoil(points), solver)
    assert result.pose is None
    assert any(text in result.reason for text in reason.split('|')), result.reason


@SOLVERS
def test_random_input_never_raises(rng, solver):
    for _ in range(300):
        points = rng.normal(scale=10 ** rng.uniform(-2, 5), size=(16, 2))
        points[rng.random((16, 2)) < rng.uniform(0, 0.6)] = np.nan
        dims = rng.uniform(-0.1, 3, 3)
        pose, reason = vars(solve_cuboid_pnp(points, dims, CAMERA, solver)).values()
        assert (pose is None) != (reason is None)
        if pose is not None:
            assert all(np.isfinite(value).all() for value in vars(pose).values())
            assert pose.location_cv[2] > 0


@SOLVERS
def test_mirrored_points_have_no_pose(solver):
    """A cuboid behind the camera projects to a picture turned by half a turn."""
    points = observe(Rotation.from_rotvec([0.4, -0.7, 0.2]), np.array([0.1, -0.1, -1.6]))
    result = solve_cuboid_pnp(points, DIMS, CAMERA, solver)
    if result.pose is not None:  # a cuboid in front may look alike, but then it has to fit
        assert result.pose.location_cv[2] > 0
        spread = np.linalg.norm(points - points.mean(axis=0), axis=1).max()
        error = np.linalg.norm(result.pose.keypoints_image[1:] - points[::2], axis=1)
        assert error.max() < spread


def test_start_in_front_keeps_far_noisy_objects(rng):
    """A tenth of their size: the direct linear start loses some of them, the other none."""
    found = {solve_iteratively: 0, solve_in_front: 0}
    errors = []
    for _ in range(100):
        rotation = Rotation.random(random_state=rng)
        points = observe(rotation, np.array([*rng.uniform(-2, 2, 2), rng.uniform(15, 25)]))
        noise = rng.normal(size=(16, 2)) * 0.07 * spread_of_points(points)
        for solver in found:
            pose = solve_cuboid_pnp(points + noise, DIMS, CAMERA, solver).pose
            found[solver] += pose is not None
        turned = Rotation.from_quat(pose.quaternion_xyzw) * rotation.inv()
        errors.append(np.rad2deg(turned.magnitude()))
    assert found[solve_in_front] == 100
    assert found[solve_iteratively] < 100
    assert np.median(errors) < 5


@pytest.mark.parametrize(
    ('points', 'dims', 'camera', 'name'),
    [
        (np.zeros((8, 2)), DIMS, CAMERA, 'points_image'),
        (np.zeros((16, 2)), np.ones(2), CAMERA, 'dims'),
        (np.zeros((16, 2)), DIMS, np.eye(4), 'intrinsics'),
    ],
)
def test_wrong_shapes(points, dims, camera, name):
    with pytest.raises(ValueError, match=name):
        solve_cuboid_pnp(points, dims, camera)


FOLDING = np.array([-0.25, 0.0, 0.0, 0.0])
"""A barrel lens: beyond 1.15 focal lengths from its axis it folds back."""


def test_a_corner_where_the_lens_shows_nothing_counts():
    rotation, location = Rotation.from_rotvec([0.4, -0.7, 0.2]), np.array([0.3, -0.2, 3.0])
    corners = rotation.apply(CORNER_SIGNS / 2 * DIMS) + location
    points = np.repeat(project_points(corners, CAMERA, FOLDING), 2, axis=0)
    lens = {'solver': solve_in_front, 'distortion': FOLDING}
    assert solve_cuboid_pnp(points, DIMS, CAMERA, **lens).pose.relative_error < 1e-3
    points[4:6] = [3000, 392]
    assert solve_cuboid_pnp(points, DIMS, CAMERA, **lens).reason == (
        'no cuboid of these dimensions looks like the points'
    )
    pose = solve_cuboid_pnp(points, DIMS, CAMERA, max_relative_error=9, **lens).pose
    off = np.repeat(pose.keypoints_image[1:], 2, axis=0) - points
    expected = np.sqrt(np.square(off).sum(axis=1).mean())
    assert pose.reprojection_error == pytest.approx(expected)
    assert pose.relative_error == pytest.approx(expected / spread_of_points(points))
    points[4:6] = np.nan  # not given at all
    assert solve_cuboid_pnp(points, DIMS, CAMERA, **lens).pose.relative_error < 1e-3


def test_a_corner_that_the_lens_cannot_show_does_not_count():
    location = np.array([1.35, 0.0, 1.5])
    corners = CORNER_SIGNS / 2 * DIMS + location
    points = np.repeat(project_points(corners, CAMERA, FOLDING), 2, axis=0)
    is_far = np.repeat(np.hypot(*corners[:, :2].T) / corners[:, 2] > 1.2, 2)
    assert 0 < is_far.sum() < 9
    points[is_far] = [3000, 392]  # beyond the edge, as a network would guess
    pose = solve_cuboid_pnp(points, DIMS, CAMERA, solve_in_front, distortion=FOLDING).pose
    np.testing.assert_allclose(pose.location_cv, location, atol=1e-2)
    assert pose.relative_error < 1e-2
