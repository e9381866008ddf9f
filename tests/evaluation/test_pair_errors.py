import numpy as np
import pytest

from cpose.evaluation.matched_pairs import AlignedPairs, gather_pairs, measure_matches
from cpose.geometry.symmetry import rotate_about_up

DIMS = (0.2, 0.1, 0.3)


class LargeScale:
    """A scale rule that makes everything twice as large."""

    def factors(self, pairs):
        return np.full(len(pairs), 2.0)


@pytest.mark.parametrize(
    ('count', 'num_rotations', 'at_once'),
    [(0, 100, 64), (1, 100, 64), (64, 100, 64), (65, 100, 64), (9, 2000, 3), (3, 10_000, 1)],
)
def test_matched_rows_are_measured_in_parts(new_scene, new_record, count, num_rotations, at_once):
    record = new_record(new_scene().add_object(DIMS).add_prediction(DIMS))
    rows = np.zeros((count + 1, 3), dtype=np.int64)
    measured = np.arange(count)
    values = {'iou': np.full(count + 1, -1.0)}
    sizes = []

    def errors(pairs, scales):
        sizes.append(len(pairs))
        return {'iou': scales + len(sizes)}

    factors = measure_matches(
        ([record], rows, measured), LargeScale(), errors, values, num_rotations
    )
    assert sum(sizes) == count
    assert all(size <= at_once for size in sizes)
    assert (factors[:count] == 2).all()
    assert np.isnan(factors[count])
    assert values['iou'][count] == -1
    assert values['iou'][:count].tolist() == [3.0 + place // at_once for place in measured]


def measured_corners(pairs, keypoints_gl, num_rotations=1):
    """Return corner distances as shares of the image's sides and in pixels."""
    aligned = AlignedPairs(
        pairs,
        pairs.pred_keypoints,
        keypoints_gl,
        pairs.gt_points,
        pairs.gt_dims,
        np.ones(len(pairs)),
        num_rotations,
        360.0,
    )
    units = pairs.image_wh, np.ones((len(pairs), 2))
    return [aligned.corner_distance(unit) for unit in units]


def test_corner_errors(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS)
    pairs = gather_pairs([new_record(scene)], np.zeros((1, 3), dtype=np.int64))
    exact = measured_corners(pairs, pairs.gt_keypoints)
    assert exact[1] == pytest.approx(0, abs=1e-6)
    pairs.pred_points[:, 1:] += (6.0, 8.0)
    moved = measured_corners(pairs, pairs.gt_keypoints)
    assert moved[1] == pytest.approx(10)
    assert moved[0] == pytest.approx(np.hypot(6 / 600, 8 / 800))


def test_corner_errors_are_least_over_rotations(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS)
    pairs = gather_pairs([new_record(scene)], np.zeros((1, 3), dtype=np.int64))
    turned = rotate_about_up(pairs.gt_keypoints, np.array([np.pi / 2]))[:, 0]
    assert measured_corners(pairs, turned)[1] > 10
    assert measured_corners(pairs, turned, 4)[1] == pytest.approx(0, abs=1e-6)
