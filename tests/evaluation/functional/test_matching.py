import numpy as np
import pytest

from cpose.evaluation.functional.matching import (
    IGNORED,
    UNMATCHED,
    corner_distances,
    keep_one_per_object,
    match_counted,
    match_nearest,
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


def test_nearest_may_be_taken_twice():
    distances = np.array([[0.1, 0.5], [0.2, 0.3], [0.9, 0.05]])
    assert match_nearest(distances).tolist() == [0, 0, 1]
    matches = match_counted(distances, np.ones(3, dtype=bool), np.ones(2, dtype=bool))
    assert matches.tolist() == [0, 0, 1]


def test_an_unknown_place_is_nobody_s_nearest():
    assert match_nearest(np.array([[np.nan, 0.5, 0.2]])).tolist() == [2]


def test_predictions_on_uncounted_objects_are_ignored():
    distances = np.array([[0.1, 0.5], [0.2, 0.3]])
    matches = match_counted(distances, np.ones(2, dtype=bool), np.array([False, True]))
    assert matches.tolist() == [IGNORED, IGNORED]


def test_predictions_without_a_pose_take_nothing():
    distances = np.array([[np.nan], [0.3]])
    matches = match_counted(distances, np.array([False, True]), np.ones(1, dtype=bool))
    assert matches.tolist() == [UNMATCHED, 0]


def test_without_objects_all_are_unmatched():
    matches = match_counted(np.zeros((2, 0)), np.ones(2, bool), np.zeros(0, bool))
    assert matches.tolist() == [UNMATCHED, UNMATCHED]


@pytest.mark.parametrize(
    ('overlaps', 'expected'),
    [
        ([True, True, True, True, True], [False, True, True, False, True]),
        # A confident prediction beside the object does not take it away.
        ([True, False, True, True, True], [True, False, True, False, True]),
        ([False, False, True, True, True], [False, True, True, False, True]),
    ],
    ids=['best score', 'best score is elsewhere', 'all are elsewhere'],
)
def test_one_prediction_per_object(overlaps, expected):
    rows = np.array([[0, 0, 4], [0, 1, 4], [0, 2, 5], [0, 3, UNMATCHED], [1, 0, 4]])
    scores = np.array([0.5, 0.8, 0.1, 0.9, 0.2])
    assert keep_one_per_object(rows, scores, np.array(overlaps)).tolist() == expected


def test_one_prediction_per_object_without_predictions():
    assert keep_one_per_object(np.zeros((0, 3), int), np.zeros(0), np.zeros(0, bool)).shape == (0,)
