import dataclasses

import numpy as np
import torch

from cpose.codecs.symmetries import RotationalSymmetry
from cpose.datasets.transforms.affine import LetterboxAffine, RandomPoseAffine
from cpose.datasets.transforms.loading import PackPoseInputs
from cpose.datasets.transforms.symmetries import ExpandSymmetries
from cpose.geometry.affine import apply_affine
from cpose.structures.cuboid import CORNER_SIGNS

from ...shipped_parts import settings
from .records import IMAGE_WH, INTRINSICS, make_annotations, make_record


def make_affine(**changes):
    return RandomPoseAffine(**settings('RandomPoseAffine', **changes))


def test_testing():
    record = LetterboxAffine()(make_record(input_wh=(96, 64)))
    image, annotations = record['img'], record['annotations']
    packed = PackPoseInputs()(record)
    assert set(packed) == {'inputs', 'data_samples'}
    assert packed['inputs'].dtype == torch.uint8
    assert packed['inputs'].is_contiguous()
    np.testing.assert_array_equal(packed['inputs'].numpy(), image.transpose(2, 0, 1))
    sample = packed['data_samples']
    assert sample.candidates is None
    assert sample.annotations is annotations
    assert (sample.image_path, sample.image_wh, sample.input_wh) == ('a.png', IMAGE_WH, (96, 64))
    np.testing.assert_array_equal(sample.intrinsics, INTRINSICS)


def test_corners_move_with_the_pixels():
    record = ExpandSymmetries()(make_record(symmetries=[RotationalSymmetry(3)] * 2))
    corners, centers = record['cand_corners'].copy(), record['cand_centers'].copy()
    sample = PackPoseInputs()(make_affine(flip_prob=0.0)(record))['data_samples']
    affine = sample.input_from_image
    assert sample.candidates.corners_input.shape == (2, 3, 8, 2)
    np.testing.assert_allclose(sample.candidates.corners_input, apply_affine(affine, corners))
    np.testing.assert_allclose(sample.candidates.centers_input, apply_affine(affine, centers))


def test_visibility_is_that_of_the_original_image():
    annotations = make_annotations([(0, 0, 2.0), (0, 0, 3.0), (0, 0, 3.0)])
    points = np.full((3, 9, 2), 50.0)
    points[0, 1:] = [
        (0, 0),
        (-0.1, 5),
        (5, -0.1),
        (119.9, 99.9),
        (120, 5),
        (5, 100),
        (9, 9),
        (1, 1),
    ]
    points[:, 0] = [(119.5, 99.5), (120, 50), (50, -0.5)]
    annotations = dataclasses.replace(annotations, keypoints_image=points)
    for seed in range(4):
        record = ExpandSymmetries()(make_record(annotations, seed=seed))
        candidates = PackPoseInputs()(make_affine()(record))['data_samples'].candidates
        is_flipped = record['input_from_image'][0, 0] < 0
        expected = np.array([True, False, False, True, False, False, True, True])
        expected = np.roll(expected, 4) if is_flipped else expected
        np.testing.assert_array_equal(candidates.is_corner_in_image[0, 0], expected)
        assert candidates.is_center_in_image.tolist() == [True, False, False]


def test_flipped_corners_are_those_of_the_mirrored_object():
    """A box straight ahead looks the same after a flip, corner by corner."""
    annotations = make_annotations([(0, 0, 2.0)])
    points = annotations.keypoints_image.copy()
    spread = [12, 8, 12, 8, 12, 8, 12, 8]
    points[0, 1:] = CORNER_SIGNS * 15 @ np.array([[0, 0], [0, 1], [0, 0.2]])
    points[0, 1:, 0] = CORNER_SIGNS[:, 0] * spread
    points[0, 1:] += np.array([(IMAGE_WH[0] - 1) / 2, 50])
    annotations = dataclasses.replace(annotations, keypoints_image=points)
    pair = []
    for flip_prob in (0.0, 1.0):
        record = ExpandSymmetries()(make_record(annotations, seed=2))
        transform = RandomPoseAffine(
            **settings('RandomPoseAffine', scale_range=(1, 1), flip_prob=flip_prob)
        )
        sample = PackPoseInputs()(transform(record))['data_samples']
        pair.append(sample.candidates.corners_input - sample.candidates.corners_input.mean(axis=2))
    np.testing.assert_allclose(pair[0], pair[1], atol=1e-9)
