import os
from pathlib import Path

import numpy as np
import pytest

from cpose.annotation.cuboid_problem import CuboidProblem
from cpose.annotation.cuboid_solver import solve_cuboid
from cpose.geometry.projection import project_points

from .box_views import IMAGE_WH, box_view, random_view, ratio_error, rotation_error_deg

REPOSITORY = Path(__file__).parents[2]
SHARED_DATA = Path(os.environ.get('CPOSE_SHARED_DATA', REPOSITORY.parent / 'shared' / 'data'))


@pytest.mark.parametrize('has_camera', [True, False], ids=['camera known', 'camera unknown'])
def test_exact_clicks_give_the_exact_box(has_camera):
    view = box_view()
    camera = view.intrinsics if has_camera else None
    found = solve_cuboid(CuboidProblem(view.clicks(), IMAGE_WH, camera))
    assert rotation_error_deg(found.rotation, view.rotation) < (0.01 if has_camera else 0.1)
    assert ratio_error(found.dims, view.dims) < (1e-3 if has_camera else 3e-3)
    assert found.intrinsics[0, 0] == pytest.approx(620, rel=5e-3)
    assert found.residual_px < 0.02
    assert found.undetermined == ()
    np.testing.assert_allclose(found.keypoints_image[1:], view.corners, atol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize('has_camera', [True, False], ids=['camera known', 'camera unknown'])
def test_noisy_clicks_of_usual_views(has_camera):
    rng = np.random.default_rng(5)
    turns, ratios = [], []
    for _ in range(25):
        view = random_view(rng)
        camera = view.intrinsics if has_camera else None
        problem = CuboidProblem(view.clicks(noise=0.5, rng=rng), IMAGE_WH, camera)
        found = solve_cuboid(problem)
        turns.append(rotation_error_deg(found.rotation, view.rotation))
        ratios.append(ratio_error(found.dims, view.dims))
    assert max(turns) <= 2
    assert max(ratios) <= 0.03


def test_known_sizes_give_metres():
    view = box_view(dims=(0.2, 0.35, 0.5))
    known = np.array([np.nan, 0.35, np.nan])
    found = solve_cuboid(CuboidProblem(view.clicks(), IMAGE_WH, view.intrinsics, known))
    np.testing.assert_allclose(found.dims, view.dims, rtol=2e-3)
    np.testing.assert_allclose(found.location_cv, view.location, rtol=2e-3)
    assert found.dims[1] == 0.35
    np.testing.assert_allclose(
        found.keypoints_gl[0], found.location_cv[[1, 0, 2]] * [1, 1, -1], rtol=1e-12
    )


def test_fixed_sizes_need_four_corners_only():
    view = box_view(dims=(0.2, 0.35, 0.5))
    clicks = view.clicks(view.visible()[:4])
    found = solve_cuboid(CuboidProblem(clicks, IMAGE_WH, view.intrinsics, view.dims))
    assert rotation_error_deg(found.rotation, view.rotation) < 0.05
    np.testing.assert_array_equal(found.dims, view.dims)
    assert set(found.deviations) == {'rotation'}


def test_lens_distortion():
    view, lens = box_view(), np.array([-0.3, 0.08, 0.001, -0.001])
    clicks = view.clicks()
    seen = view.visible()
    clicks[seen] = project_points(view.corners_cv, view.intrinsics, lens)[seen]
    straight = solve_cuboid(CuboidProblem(clicks, IMAGE_WH, view.intrinsics))
    found = solve_cuboid(CuboidProblem(clicks, IMAGE_WH, view.intrinsics, distortion=lens))
    assert rotation_error_deg(found.rotation, view.rotation) < 0.05
    assert found.residual_px < 0.05 < straight.residual_px


def test_gravity_holds_the_tilt_of_far_boxes():
    view = box_view(distance=12)
    up, camera = view.rotation[:, 1], view.intrinsics
    free, held = [], []
    for seed in range(8):
        clicks = view.clicks(noise=2, rng=np.random.default_rng(seed))
        for tilts, options in ((free, {}), (held, {'is_upright': True, 'up_cv': up})):
            found = solve_cuboid(CuboidProblem(clicks, IMAGE_WH, camera, **options))
            tilts.append(np.degrees(np.arccos(min(1, found.rotation[:, 1] @ up))))
    assert np.median(held) < 5
    assert np.median(free) > 1.5 * np.median(held)


def test_camera_without_roll_keeps_boxes_level():
    view = box_view(distance=9)
    clicks = view.clicks(noise=3, rng=np.random.default_rng(1))
    level = solve_cuboid(CuboidProblem(clicks, IMAGE_WH, view.intrinsics, is_upright=True))
    free = solve_cuboid(CuboidProblem(clicks, IMAGE_WH, view.intrinsics))
    assert abs(level.rotation[0, 1]) < abs(free.rotation[0, 1])


@pytest.mark.parametrize(
    ('view', 'numbers', 'camera', 'quantity'),
    [
        (box_view(), [1, 3, 5, 7], True, 'depth'),
        (box_view(yaw=0, pitch=0, distance=6), None, False, 'focal length'),
        (box_view(distance=40), None, False, 'focal length'),
    ],
    ids=['one face', 'face on', 'far away'],
)
def test_what_a_view_leaves_open_is_told(view, numbers, camera, quantity):
    clicks = view.clicks(numbers)
    found = solve_cuboid(CuboidProblem(clicks, IMAGE_WH, view.intrinsics if camera else None))
    assert quantity in found.undetermined


def test_soft_corners_give_way():
    view, moved = box_view(), box_view(yaw=-25)
    clicks, trust = view.clicks(range(8)), np.full(8, 0.1)
    clicks[[1, 5, 7, 4]], trust[[1, 5, 7, 4]] = moved.corners[[1, 5, 7, 4]], 1.0
    problem = CuboidProblem(clicks, IMAGE_WH, view.intrinsics, view.dims, trust=trust)
    assert rotation_error_deg(solve_cuboid(problem).rotation, moved.rotation) < 1


@pytest.mark.parametrize(
    'clicks',
    [
        box_view().clicks([1, 3, 5]),
        np.array([(100.0 + 10 * k, 50.0 + 5 * k) for k in range(8)]),
        np.full((8, 2), 300.0),
    ],
    ids=['three corners', 'line', 'one place'],
)
def test_what_is_no_box_gives_none(clicks):
    assert solve_cuboid(CuboidProblem(clicks, IMAGE_WH)) is None


def test_warm_start_finds_the_same_box():
    view, rng = random_view(np.random.default_rng(2)), np.random.default_rng(3)
    first = solve_cuboid(CuboidProblem(view.clicks(), IMAGE_WH))
    problem = CuboidProblem(view.clicks(noise=1, rng=rng), IMAGE_WH)
    warm = solve_cuboid(problem, first.state, is_whole=False)
    whole = solve_cuboid(problem)
    assert rotation_error_deg(warm.rotation, whole.rotation) < 0.2
    # A start of another problem is not used.
    assert solve_cuboid(problem, np.zeros(3), is_whole=False).residual_px < 2


@pytest.mark.parametrize('is_upright', [False, True])
def test_derivatives(is_upright):
    view = box_view()
    problem = CuboidProblem(
        view.clicks(),
        IMAGE_WH,
        dims=np.array([np.nan, np.nan, 1.3]),
        is_upright=is_upright,
        up_cv=view.rotation[:, 1],
    )
    state = solve_cuboid(problem).state + 0.02
    numeric = np.stack(
        [
            (problem.linearise(state + step)[0] - problem.linearise(state - step)[0]) / 2e-6
            for step in 1e-6 * np.eye(len(state))
        ],
        axis=1,
    )
    np.testing.assert_allclose(problem.linearise(state)[1], numeric, rtol=1e-4, atol=1e-3)


def test_photographs_annotated_again():
    folder = SHARED_DATA / 'real_boxes'
    if not folder.is_dir():
        pytest.skip('the photographs of boxes are not here')
    from benchmarks.accuracy.annotated_corners import compare
    from cpose.datasets.annotations.annotation import read_annotation

    for path in sorted(folder.glob('*.json')):
        row = compare(path, read_annotation(path), 0, True)
        assert float(row[3].removesuffix('°')) <= 2
        assert float(row[4].removesuffix('%')) <= 4
