import numpy as np
import pytest

from cpose.evaluation.functional.matching import (
    average_precision,
    is_hit,
    precision_recall,
)


def ap(hits, scores, num_objects):
    return average_precision(np.array([hits], dtype=bool), np.array(scores), num_objects)[0]


@pytest.mark.parametrize(
    ('hits', 'scores', 'num_objects', 'expected'),
    [
        pytest.param([1, 1], [0.9, 0.8], 2, 1, id='perfect'),
        pytest.param([1], [0.9], 2, 0.5, id='one missed'),
        pytest.param([0, 1], [0.9, 0.8], 1, 0.5, id='false positive first'),
        pytest.param([1, 0], [0.9, 0.8], 1, 1, id='false positive last'),
        # Precisions 1, 1/2, 2/3: the dip is lifted to 2/3, recall 1/2 and 1.
        pytest.param([1, 0, 1], [0.9, 0.8, 0.7], 2, 0.5 + 0.5 * 2 / 3, id='dip'),
        pytest.param([1, 0, 1], [0.7, 0.8, 0.9], 2, 0.5 + 0.5 * 2 / 3, id='unsorted'),
        pytest.param([0], [0.9], 3, 0, id='no hit'),
        pytest.param([], [], 3, 0, id='no prediction'),
        pytest.param([1, 1, 1], [0.9, 0.8, 0.7], 2, 1.5, id='duplicates count'),
    ],
)
def test_areas_worked_out_by_hand(hits, scores, num_objects, expected):
    assert ap(hits, scores, num_objects) == pytest.approx(expected)


def test_without_objects_there_is_no_number():
    assert np.isnan(ap([0], [0.9], 0))


def test_scores_are_ranked_in_single_precision():
    # Equal in float32, so the order given decides.
    assert ap([1, 0], [0.5, 0.5 + 1e-9], 1) == 1
    assert ap([1, 0], [0.5, 0.5 + 1e-6], 1) == 0.5


def test_precision_never_rises_and_recall_never_falls():
    generator = np.random.default_rng(0)
    hits = generator.random((3, 50)) < 0.5
    precision, recall = precision_recall(hits, generator.random(50), 40)
    assert (np.diff(precision) <= 0).all()
    assert (np.diff(recall) >= 0).all()
    np.testing.assert_allclose(recall[:, -1], hits.sum(axis=1) / 40)


def test_hits_include_the_threshold_itself():
    values, thresholds = np.array([0.5, 0.4, 0.6]), np.array([0.5])
    assert is_hit(values, thresholds, True).tolist() == [[True, False, True]]
    assert is_hit(values, thresholds, False).tolist() == [[True, True, False]]
