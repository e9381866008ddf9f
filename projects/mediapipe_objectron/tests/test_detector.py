import numpy as np
import pytest
from mediapipe_objectron.detector import (
    NUM_ANCHORS,
    decode_boxes,
    make_anchors,
    select_detections,
)

ANCHOR = np.array([[0.5, 0.25, 0.2, 0.4]])


def logit(score):
    return np.log(score / (1 - score))


def scores(*rows, labels=4):
    """Return logits of rows of (label, score); other labels are unlikely."""
    logits = np.full((len(rows), labels), -9.0)
    for row, (label, score) in zip(logits, rows, strict=True):
        row[label] = logit(score)
    return logits


class TestAnchors:
    def test_number_is_that_of_the_network(self):
        assert make_anchors().shape == (NUM_ANCHORS, 4)

    def test_first_level_has_three_shapes_per_cell(self):
        first, second, third, beside = make_anchors()[:4]
        np.testing.assert_allclose(first, [0.5 / 19, 0.5 / 19, 0.1, 0.1])
        np.testing.assert_allclose(second[2:], [0.2 * 2**0.5, 0.2 / 2**0.5])
        np.testing.assert_allclose(third[2:], [0.2 / 2**0.5, 0.2 * 2**0.5])
        np.testing.assert_allclose(beside, [1.5 / 19, 0.5 / 19, 0.1, 0.1])

    def test_second_level_begins_after_19_by_19_cells(self):
        level = make_anchors()[3 * 19**2 :][:6]
        np.testing.assert_allclose(level[:, :2], 0.5 / 10)
        areas = level[:, 2] * level[:, 3]
        np.testing.assert_allclose(areas, [0.35**2] * 5 + [0.35 * 0.5], rtol=1e-12)
        np.testing.assert_allclose(level[:, 2] / level[:, 3], [1, 2, 0.5, 3, 0.3333, 1])

    def test_last_level_has_one_cell(self):
        last = make_anchors()[-6:]
        np.testing.assert_allclose(last[:, :2], 0.5)
        np.testing.assert_allclose(last[0, 2:], 0.95)
        np.testing.assert_allclose(last[-1, 2:], 0.95**0.5)


class TestDecoding:
    def test_zeros_are_the_anchor(self):
        np.testing.assert_allclose(decode_boxes(np.zeros((1, 4)), ANCHOR), [[0.4, 0.05, 0.6, 0.45]])

    def test_offsets_and_sizes_come_in_the_order_y_x_height_width(self):
        # A quarter of the anchor's height down, half its width right, twice as high, half as wide.
        encoding = [[2.5, 5.0, 5 * np.log(2), 5 * np.log(0.5)]]
        np.testing.assert_allclose(
            decode_boxes(np.array(encoding), ANCHOR), [[0.55, -0.05, 0.65, 0.75]], atol=1e-12
        )


class TestSelection:
    box = np.array([0.1, 0.1, 0.5, 0.5])
    far = np.array([0.6, 0.6, 0.9, 0.9])

    def select(self, bboxes, logits, labels=(1,), min_score=0.3, max_objects=10):
        return select_detections(np.array(bboxes), logits, labels, min_score, max_objects)

    def test_best_first_and_duplicates_are_dropped(self):
        found = self.select(
            [self.box, self.far, self.box + 0.02], scores((1, 0.6), (1, 0.9), (1, 0.7))
        )
        np.testing.assert_allclose(found.scores, [0.9, 0.7])
        np.testing.assert_allclose(found.bboxes, [self.far, self.box + 0.02])

    @pytest.mark.parametrize(('shift', 'count'), [(0.19, 2), (0.09, 1)])
    def test_boxes_with_little_overlap_stay(self, shift, count):
        moved = self.box + np.array([shift, 0, shift, 0])  # IoU 0.36 and 0.63
        assert len(self.select([self.box, moved], scores((1, 0.9), (1, 0.8))).scores) == count

    def test_label_of_the_largest_score_counts(self):
        logits = scores((1, 0.5))
        logits[0, 2] = logit(0.6)
        assert len(self.select([self.box], logits).scores) == 0
        assert self.select([self.box], logits, labels=(1, 2)).labels.tolist() == [2]

    def test_background_does_not_count(self):
        logits = scores((1, 0.5))
        logits[0, 0] = logit(0.9)
        assert self.select([self.box], logits).labels.tolist() == [1]

    def test_wanted_labels_suppress_each_other(self):
        found = self.select([self.box, self.box], scores((1, 0.5), (2, 0.8)), labels=(1, 2))
        assert found.labels.tolist() == [2]

    def test_limits(self):
        bboxes, logits = [self.box, self.far], scores((1, 0.8), (1, 0.4))
        assert len(self.select(bboxes, logits, min_score=0.41).scores) == 1
        np.testing.assert_allclose(self.select(bboxes, logits, max_objects=1).scores, [0.8])

    def test_logits_are_left_as_they_are(self):
        logits = scores((1, 0.8))
        before = logits.copy()
        self.select([self.box], logits)
        np.testing.assert_array_equal(logits, before)
