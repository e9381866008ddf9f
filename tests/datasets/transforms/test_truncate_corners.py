import numpy as np

from cpose.codecs.symmetries import NoSymmetry, RotationalSymmetry
from cpose.datasets.transforms.symmetries import ExpandSymmetries, TruncateCorners

from .records import make_annotations, make_record


def test_projected_and_annotated_corners_lose_their_fraction_towards_zero():
    annotations = make_annotations([(-1.0, -0.8, 2.0), (0.1, 0.1, 2.0)])
    record = make_record(annotations, symmetries=[RotationalSymmetry(4), NoSymmetry()])
    before = ExpandSymmetries()(record)
    corners, centers = before['cand_corners'].copy(), before['cand_centers'].copy()
    assert (corners[0] < -1).any()
    after = TruncateCorners()(before)
    assert (corners[1, 0] % 1 > 0).any()
    np.testing.assert_array_equal(after['cand_corners'], np.trunc(corners))
    np.testing.assert_array_equal(after['cand_centers'], np.trunc(centers))


def test_annotation_stays_untouched():
    annotations = make_annotations()
    pixels = annotations.keypoints_image.copy()
    record = make_record(annotations, symmetries=[RotationalSymmetry(2)] * 2)
    TruncateCorners()(ExpandSymmetries()(record))
    np.testing.assert_array_equal(annotations.keypoints_image, pixels)


def test_no_objects():
    record = ExpandSymmetries()(make_record(make_annotations(np.zeros((0, 3)))))
    assert TruncateCorners()(record)['cand_corners'].shape == (0, 1, 8, 2)
