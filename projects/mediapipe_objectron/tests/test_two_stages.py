import numpy as np
import pytest
from mediapipe_objectron.detector import NUM_ANCHORS, make_anchors
from mediapipe_objectron.two_stages import TwoStages, find_in_crop

IMAGE = np.zeros((300, 600, 3), np.float32)
BBOX = np.array([100.0, 50.0, 300.0, 150.0])  # crop: side 300 around (200, 100)


class StubDetector:
    """Sees one object of each of some labels, each at an anchor."""

    def __init__(self, *anchors):
        self.encodings = np.zeros((NUM_ANCHORS, 4), np.float32)
        self.logits = np.full((NUM_ANCHORS, 3), -9.0, np.float32)
        for label, anchor in enumerate(anchors, start=1):
            self.logits[anchor, label] = 4.0 - label

    def __call__(self, image):
        self.seen = image
        return self.encodings, self.logits


def stub_keypoints(presence, value=112.0):
    coordinates = np.full(18, value, np.float32)
    return lambda _: (coordinates, np.array([presence], np.float32))


class TestCrop:
    def test_points_come_back_to_the_image(self):
        coordinates = np.zeros((9, 2), np.float32)
        coordinates[:4] = [[112, 112], [0, 0], [224, 224], [112, 224]]
        network = lambda _: (coordinates.ravel(), np.array([0.75]))  # noqa: E731
        points, presence = find_in_crop(network, IMAGE, BBOX)
        expected = [[200, 100], [50, -50], [350, 250], [200, 250]]
        np.testing.assert_allclose(points[:4], expected, atol=1e-9)
        assert presence == 0.75

    def test_crop_shows_the_box_and_repeats_the_border(self):
        rows, columns = np.mgrid[:300, :600].astype(np.float32)
        image = np.stack([columns, rows, rows], axis=2)
        seen = []

        def network(crop):
            seen.append(crop)
            return np.zeros(18), np.ones(1)

        find_in_crop(network, image, BBOX)
        assert seen[0].shape == (224, 224, 3)
        np.testing.assert_allclose(seen[0][112, 112], [200, 100, 100], atol=0.02)
        np.testing.assert_allclose(seen[0][0, 112, 1:], 0.0)  # above the image: its first row
        np.testing.assert_allclose(seen[0][112, 0, 0], 50.0, atol=0.02)


class TestTwoStages:
    def test_stages_work_together(self):
        detector = StubDetector(-1, 0)
        find = TwoStages(detector, [stub_keypoints(1.0), stub_keypoints(1.0)], {1: 1, 2: 0})
        found = find(IMAGE + 1)
        assert found.labels.tolist() == [1, 0]
        np.testing.assert_allclose(found.scores, 1 / (1 + np.exp([-3.0, -2.0])), rtol=1e-6)
        center, wh = make_anchors()[0, :2] * [600, 300], make_anchors()[0, 2:] * [600, 300]
        np.testing.assert_allclose(found.bboxes[1], [*(center - wh / 2), *(center + wh / 2)])
        np.testing.assert_allclose(found.keypoints[1], np.tile(center, (9, 1)))

    def test_detector_sees_minus_one_to_one(self):
        detector = StubDetector()
        find = TwoStages(detector, [], {})
        assert len(find(IMAGE).scores) == 0
        assert detector.seen.shape == (300, 300, 3)
        assert (detector.seen == -1).all()
        find(IMAGE + 1)
        assert (detector.seen == 1).all()

    @pytest.mark.parametrize(('presence', 'count'), [(0.98, 0), (1.0, 1)])
    def test_second_stage_can_refuse(self, presence, count):
        find = TwoStages(StubDetector(0), [stub_keypoints(presence)], {1: 0})
        found = find(IMAGE)
        assert found.keypoints.shape == (count, 9, 2)
        assert len(found.scores) == len(found.labels) == len(found.bboxes) == count
