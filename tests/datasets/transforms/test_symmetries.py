import dataclasses

import numpy as np

from cpose.codecs.symmetries import CuboidSymmetry, NoSymmetry, RotationalSymmetry
from cpose.datasets.transforms.symmetries import ExpandSymmetries
from cpose.errors import DataError
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints

from ...user_errors import raises
from .records import INTRINSICS, TILT, keypoints_cv_of, make_annotations, make_record


def expand(**changes):
    return ExpandSymmetries()(make_record(**changes))


def test_no_symmetry_keeps_the_annotated_corners():
    annotations = make_annotations()
    clicked = annotations.keypoints_image + 1.25
    results = expand(
        annotations=dataclasses.replace(annotations, keypoints_image=clicked), projection=None
    )
    np.testing.assert_array_equal(results['cand_corners'], clicked[:, None, 1:])
    np.testing.assert_array_equal(results['cand_centers'], clicked[:, 0])
    np.testing.assert_array_equal(results['cand_dims'], annotations.dims_metric[:, None])
    np.testing.assert_array_equal(results['cand_labels'], annotations.labels)
    assert results['cand_mask'].all()


def test_rotated_copies_are_projected():
    location = np.array([0.1, 0.05, 2.0])
    annotations = make_annotations([location])
    results = expand(annotations=annotations, symmetries=[RotationalSymmetry(4)])
    assert results['cand_corners'].shape == (1, 4, 8, 2)
    for k in range(4):
        cos, sin = np.cos(k * np.pi / 2), np.sin(k * np.pi / 2)
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        points = cuboid_keypoints(annotations.dims_metric[0]) @ (TILT @ turn).T + location
        expected = project_points(points, INTRINSICS)[1:]
        np.testing.assert_allclose(results['cand_corners'][0, k], expected, atol=1e-9)
    np.testing.assert_allclose(results['cand_dims'][0], np.tile(annotations.dims_metric, (4, 1)))


def test_every_row_uses_the_projection_and_not_the_annotated_pixels():
    projection = intrinsic_matrix(120.0, 125.0, 64.0, 49.0)
    annotations = make_annotations()
    results = expand(symmetries=[RotationalSymmetry(2)] * 2, projection=projection)
    expected = project_points(keypoints_cv_of(annotations), projection)
    np.testing.assert_allclose(results['cand_corners'][:, 0], expected[:, 1:], atol=1e-9)
    np.testing.assert_allclose(results['cand_centers'], expected[:, 0], atol=1e-9)


def test_dims_are_permuted_with_the_labels():
    results = expand(symmetries=[CuboidSymmetry()] * 2)
    np.testing.assert_allclose(results['cand_dims'][0, :, 0], [0.3, 0.4, 0.3, 0.4])
    corner_sets = results['cand_corners'][0].round(6)
    for row in corner_sets[1:]:
        assert {tuple(p) for p in row} == {tuple(p) for p in corner_sets[0]}
        assert not np.allclose(row, corner_sets[0])


def test_different_groups_are_padded():
    results = expand(symmetries=[NoSymmetry(), RotationalSymmetry(3)])
    assert results['cand_mask'].tolist() == [[True, False, False], [True, True, True]]
    assert (results['cand_dims'] > 0).all()


def test_max_objs_takes_the_first():
    results = expand(max_objs=1)
    assert results['cand_labels'].tolist() == [0]
    assert len(results['cand_corners']) == 1


def test_no_objects():
    results = expand(annotations=make_annotations(np.zeros((0, 3))))
    assert results['cand_corners'].shape == (0, 1, 8, 2)
    assert results['cand_centers'].shape == (0, 2)


def test_candidates_behind_the_camera_are_masked():
    annotations = make_annotations([(0, 0, 1.0)], dims=(0.2, 0.1, 3.0))
    with np.errstate(all='raise'):
        results = expand(annotations=annotations, symmetries=[RotationalSymmetry(4)])
    in_front = [(keypoints[:, 2] > 0).all() for keypoints in _rotated_cv(annotations, 4)]
    assert results['cand_mask'][0].tolist() == in_front
    assert 0 < sum(in_front) < 4


def test_objects_without_symmetry_behind_the_camera_are_masked():
    annotations = make_annotations([(0, 0, 0.1), (0, 0, 2.0)], dims=(0.3, 0.5, 0.4))
    assert expand(annotations=annotations)['cand_mask'].tolist() == [[False], [True]]
    unknown = dataclasses.replace(annotations, keypoints_gl=np.full((2, 9, 3), np.nan))
    assert expand(annotations=unknown)['cand_mask'].all()
    other_frame = dataclasses.replace(
        annotations, keypoints_gl=annotations.keypoints_gl * (1, 1, -1)
    )
    assert expand(annotations=other_frame)['cand_mask'][1]


def _rotated_cv(annotations, order):
    for k in range(order):
        angle = 2 * np.pi * k / order
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        yield cuboid_keypoints(annotations.dims_metric[0]) @ (TILT @ turn).T + np.array([0, 0, 1.0])


def test_training_needs_an_annotation():
    with raises(DataError):
        ExpandSymmetries()({'img_path': 'a.png', 'annotations': None})
