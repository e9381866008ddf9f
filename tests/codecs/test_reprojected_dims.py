import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.codecs.pnp import KnownDims, ReprojectedDims
from cpose.errors import ConfigError
from cpose.geometry.pnp import solve_cuboid_pnp
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

from ..user_errors import raises

CAMERA = intrinsic_matrix(600, 600, 322, 241)
DIMS = np.array([1.4, 1.0, 0.6])
ROTATION = Rotation.from_euler('xyz', [205, 30, 0], True)
CORNERS_CV = ROTATION.apply(CORNER_SIGNS / 2 * DIMS) + np.array([0.1, 0.2, 5.0])
POINTS = np.repeat(project_points(CORNERS_CV, CAMERA), 2, axis=0)
PREDICTED = DIMS * (0.8, 1.0, 1.25)


def fit(points, **settings):
    pose = solve_cuboid_pnp(points, PREDICTED, CAMERA).pose
    return ReprojectedDims(**settings)(points, PREDICTED, pose, CAMERA)


def test_corners_correct_the_predicted_dimensions():
    fitted = fit(POINTS)
    assert np.abs(np.log(fitted / DIMS)).max() < 0.05
    assert np.abs(np.log(PREDICTED / DIMS)).max() > 0.2


def test_missing_points_are_left_out():
    points = POINTS.copy()
    points[[1, 3, 5, 14, 15]] = np.nan
    assert np.abs(np.log(fit(points) / DIMS)).max() < 0.07


def test_a_small_dims_sigma_trusts_the_prediction():
    np.testing.assert_allclose(fit(POINTS, dims_sigma=1e-4), PREDICTED, rtol=1e-3)


@pytest.mark.parametrize('name', ['point_sigma', 'dims_sigma'])
@pytest.mark.parametrize('value', [0, -1, float('nan'), float('inf'), 'a'])
def test_standard_deviations_must_be_positive(name, value):
    with raises(ConfigError, argument=name):
        ReprojectedDims(**{name: value})


SIZES = [[0.6, 1.0, 1.4], [1.4, 1.0, 0.6], [2.0, 1.0, 2.0]]


@pytest.mark.parametrize('unit', [1.0, 0.07])
def test_known_proportions_are_those_that_the_corners_show(unit):
    pose = solve_cuboid_pnp(POINTS, PREDICTED * 0.5, CAMERA).pose
    known = KnownDims([[side * unit for side in size] for size in SIZES])
    np.testing.assert_allclose(known(POINTS, PREDICTED * 0.5, pose, CAMERA), DIMS * 0.5)


def test_known_proportions_are_chosen_however_far_the_corners_are(monkeypatch):
    """The limit of the postprocessor decides about the pose, not another one here."""
    limits = []

    def solve(*arguments):
        limits.append(arguments[6])
        return solve_cuboid_pnp(*arguments)

    monkeypatch.setattr('cpose.codecs.pnp.solve_cuboid_pnp', solve)
    pose = solve_cuboid_pnp(POINTS, PREDICTED, CAMERA).pose
    np.testing.assert_allclose(KnownDims(SIZES)(POINTS, PREDICTED, pose, CAMERA), DIMS)
    assert limits == [np.inf] * len(SIZES)


def test_points_of_no_cuboid_leave_the_dimensions():
    nothing = np.full((16, 2), np.nan)
    pose = solve_cuboid_pnp(POINTS, PREDICTED, CAMERA).pose
    assert KnownDims(SIZES)(nothing, PREDICTED, pose, CAMERA) is PREDICTED


ODD_SIDES = [0.0, float('nan'), float('inf'), '2', None]


@pytest.mark.parametrize(
    'value',
    [[], 5, None, '123', [1, 2, 3], [[1.0, 1.0]], *[[[1.0, side, 1.0]] for side in ODD_SIDES]],
)
def test_known_proportions_are_lists_of_three(value):
    with raises(ConfigError, argument='proportions'):
        KnownDims(value)
