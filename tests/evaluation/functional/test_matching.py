import numpy as np
import pytest

from cpose.evaluation.functional.matching import (
    IGNORED,
    UNMATCHED,
    corner_distances,
    match_nearest,
    match_one_to_one,
)

SQUARE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 2, dtype=float)


def test_distances_are_shares_of_the_image_and_least_over_views():
    gt = np.stack([np.stack([SQUARE + 500, SQUARE]), np.stack([SQUARE + 60, SQUARE + 600])])
    distances = corner_distances(SQUARE[None], gt, np.array([600.0, 300.0]))
    assert distances.shape == (1, 2)
    assert distances[0] == pytest.approx([0, np.sqrt(8 * (0.1**2 + 0.2**2))])


@pytest.mark.parametrize('shape', [(0, 3), (2, 0), (0, 0)])
def test_distances_of_nothing(shape):
    pred, gt = np.zeros((shape[0], 8, 2)), np.zeros((shape[1], 4, 8, 2))
    distances = corner_distances(pred, gt, np.ones(2))
    assert distances.shape == shape
    assert match_nearest(distances).shape == (shape[0],)


def test_nearest_may_be_taken_twice_but_one_to_one_gives_it_to_the_better_score():
    distances = np.array([[0.1, 0.5], [0.2, 0.3], [0.9, 0.05]])
    scores = np.array([0.5, 0.8, 0.1])
    assert match_nearest(distances).tolist() == [0, 0, 1]
    counted = np.ones(2, dtype=bool)
    matches = match_one_to_one(distances, scores, np.ones(3, dtype=bool), counted)
    # The worse of the two is a false positive; it does not fall back to object 1.
    assert matches.tolist() == [UNMATCHED, 0, 1]


def test_predictions_on_uncounted_objects_are_ignored():
    distances = np.array([[0.1, 0.5], [0.2, 0.3]])
    counted = np.array([False, True])
    matches = match_one_to_one(distances, np.array([0.5, 0.8]), np.ones(2, dtype=bool), counted)
    assert matches.tolist() == [IGNORED, IGNORED]


def test_predictions_without_a_pose_take_nothing():
    distances = np.array([[np.nan], [0.3]])
    has_pose = np.array([False, True])
    matches = match_one_to_one(distances, np.array([0.9, 0.1]), has_pose, np.ones(1, dtype=bool))
    assert matches.tolist() == [UNMATCHED, 0]


def test_without_objects_all_are_unmatched():
    matches = match_one_to_one(np.zeros((2, 0)), np.ones(2), np.ones(2, bool), np.zeros(0, bool))
    assert matches.tolist() == [UNMATCHED, UNMATCHED]
