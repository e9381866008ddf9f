import numpy as np
import pytest

from cpose.codecs.detections import suppress_softly


def test_overlap_by_hand():
    """Boxes of 10×10 pixels, side by side by 5: 50 shared of 150, one 2 % below the other."""
    bboxes = [[0, 0, 9, 9], [5, 0, 14, 9], [100, 0, 109, 9]]
    kept, scores = suppress_softly(bboxes, [0.8, 0.9, 0.5], sigma=0.5, score_thr=0.3)
    np.testing.assert_array_equal(kept, [1, 0, 2])
    np.testing.assert_allclose(scores, [0.9, 0.8 * np.exp(-((1 / 3) ** 2) / 0.5), 0.5])


def test_lowered_below_the_threshold():
    bboxes = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9]])
    kept, scores = suppress_softly(bboxes, [0.6, 0.9, 0.5], sigma=0.5, score_thr=0.1)
    np.testing.assert_array_equal(kept, [1])  # 0.6 exp(-2) = 0.081
    np.testing.assert_allclose(scores, [0.9])


def test_separate_boxes_all_stay():
    bboxes = np.arange(40)[:, None] * 50 + np.array([0, 0, 9, 9])
    scores = np.linspace(0.4, 0.9, 40)
    kept, lowered = suppress_softly(bboxes, scores, sigma=0.5, score_thr=0.3)
    np.testing.assert_array_equal(kept, np.arange(40)[::-1])
    np.testing.assert_array_equal(lowered, scores[::-1])


@pytest.mark.parametrize('bboxes', [np.zeros((0, 4)), [[5, 5, 5, 5]], [[9, 9, 0, 0], [8, 8, 0, 0]]])
def test_empty_input_and_boxes_without_area(bboxes):
    scores = np.full(len(bboxes), 0.7)
    kept, lowered = suppress_softly(bboxes, scores, sigma=0.5, score_thr=0.3)
    assert len(kept) == len(bboxes)
    np.testing.assert_array_equal(lowered, scores)


def suppress_one_by_one(bboxes, scores, sigma, score_thr):
    """Independent formulation: lists, one pair at a time."""
    items = [[score, number] for number, score in enumerate(scores)]
    done = []
    while items:
        items.sort(key=lambda item: -item[0])
        best = items.pop(0)
        done.append(best)
        a = bboxes[best[1]]
        for item in items:
            b = bboxes[item[1]]
            width = min(a[2], b[2]) - max(a[0], b[0]) + 1
            height = min(a[3], b[3]) - max(a[1], b[1]) + 1
            if width > 0 and height > 0:
                areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
                iou = width * height / (sum(areas) - width * height)
                item[0] *= np.exp(-(iou**2) / sigma)
        items = [item for item in items if item[0] >= score_thr]
    return [item[1] for item in done], [item[0] for item in done]


def test_against_one_by_one():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 60, (50, 2))
    bboxes = np.concatenate([corners, corners + rng.uniform(5, 40, (50, 2))], axis=1)
    scores = rng.uniform(0.3, 1, 50)
    kept, lowered = suppress_softly(bboxes, scores, sigma=0.5, score_thr=0.3)
    expected_kept, expected_scores = suppress_one_by_one(bboxes, scores, 0.5, 0.3)
    assert 1 < len(kept) < 50
    np.testing.assert_array_equal(kept, expected_kept)
    np.testing.assert_allclose(lowered, expected_scores)
