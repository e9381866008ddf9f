import math

import pytest
import torch

from cpose.deploy.onnx.row_matching import differences, match_rows, sure_rows


def make_rows(*rows):
    """Return outputs (1, T, ...) of rows (class, x)."""
    classes = torch.tensor([[[float(label)] for label, _ in rows]])
    position = torch.tensor([[[float(x)] for _, x in rows]])
    return {
        'bboxes': position.repeat(1, 1, 4),
        'scores': position * 0 + 0.5,
        'kps': position.repeat(1, 1, 16),
        'clses': classes,
        'kps_displacement_mean': position.repeat(1, 1, 16),
    }


def compare(expected, found, bound=0.1):
    rows = torch.ones(1, expected['scores'].shape[1], dtype=torch.bool)
    return differences(match_rows(expected, found, rows), bound)


def test_order_does_not_matter():
    expected = make_rows((0, 1), (0, 5), (1, 5))
    largest, count, others = compare(expected, make_rows((1, 5), (0, 5), (0, 1)))
    assert (count, others) == (3, 0)
    assert set(largest.values()) == {0.0}


def test_class_and_position_decide():
    largest, *_ = compare(make_rows((0, 1)), make_rows((1, 1), (0, 3)))
    assert largest['bboxes'] == 2
    assert largest['clses'] == 0


def test_a_row_that_is_missing_is_a_difference():
    largest, *_ = compare(make_rows((0, 1), (0, 5)), make_rows((0, 1), (0, 1)))
    assert largest['bboxes'] == pytest.approx(4 / 5)


@pytest.mark.parametrize('name', ['scores', 'kps'])
def test_nan_is_a_difference(name):
    expected, found = make_rows((0, 1), (0, 5)), make_rows((0, 1), (0, 5))
    found[name][0, 0, 0] = torch.nan
    largest, *_ = compare(expected, found)
    assert math.isnan(largest[name])


def test_corners_decided_otherwise():
    expected, found = make_rows((0, 1), (0, 5)), make_rows((0, 1), (0, 5))
    found['kps'][0, 1, 6] += 3
    found['kps'][0, 0, 2] += 0.05
    largest, _, others = compare(expected, found)
    assert others == 1
    assert largest['kps'] == pytest.approx(0.05)


def test_large_numbers_count_by_their_magnitude():
    largest, *_ = compare(make_rows((0, 1000)), make_rows((0, 1001)))
    assert largest['bboxes'] == pytest.approx(1e-3)


def test_only_chosen_rows():
    expected = make_rows((0, 1), (0, 50))
    rows = torch.tensor([[True, False]])
    largest, count, _ = differences(match_rows(expected, make_rows((0, 1)), rows), 0.1)
    assert (count, largest['bboxes']) == (1, 0.0)


def test_sure_rows():
    """Peaks 2, 1 and −9 (too low a score); 1 has a neighbour of 0.9."""
    logits = torch.full((1, 1, 8, 8), -12.0)
    logits[0, 0, 0, 0], logits[0, 0, 4, 4], logits[0, 0, 7, 7] = 2, 1, -9
    logits[0, 0, 4, 5] = 0.9
    assert sure_rows(logits, 3, 0.0).tolist() == [[True, True, False]]
    assert sure_rows(logits, 3, 0.06).tolist() == [[True, False, False]]
    assert sure_rows(logits, 2, 0.0).tolist() == [[True, True]]


def test_the_last_row_may_be_another():
    logits = torch.full((1, 1, 8, 8), -12.0)
    for number, value in enumerate((2.0, 1.0, 0.99)):
        logits[0, 0, 3 * number, 0] = value
    assert sure_rows(logits, 2, 0.001).tolist() == [[True, True]]
    assert sure_rows(logits, 2, 0.01).tolist() == [[True, False]]
    logits[0, 0, 6, 0] = 1.0
    assert sure_rows(logits, 2, 0.0).tolist() == [[True, False]]
