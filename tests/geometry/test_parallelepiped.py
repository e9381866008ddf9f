import numpy as np
import pytest

from cpose.geometry.cuboid_overlap import (
    corner_and_spans,
    cuboid_volumes,
    face_normals,
    frame_from_camera,
    overlap_fraction,
)
from cpose.structures.cuboid import cuboid_keypoints

DIMS = np.array([2.0, 3.0, 4.0])


def test_spans_follow_the_object_axes():
    corner, spans = corner_and_spans(cuboid_keypoints(DIMS)[None])
    assert np.allclose(corner[:, 0], -DIMS / 2)
    assert np.allclose(spans[..., 0], np.diag(DIMS))


def test_volume_and_face_areas():
    keypoints = cuboid_keypoints(DIMS)[None]
    _, spans = corner_and_spans(keypoints)
    assert cuboid_volumes(keypoints) == pytest.approx(24)
    assert np.allclose(np.linalg.norm(face_normals(spans), axis=1)[:, 0], (12, 8, 6))


def test_frame_turns_spans_into_unit_vectors():
    spans = np.random.default_rng(0).normal(size=(3, 3, 5))
    in_frame = np.einsum('ijn,kjn->kin', frame_from_camera(spans), spans)
    assert np.allclose(in_frame, np.eye(3)[..., None])


def test_fraction_of_the_first_that_lies_in_the_second():
    small, large = cuboid_keypoints(DIMS)[None], cuboid_keypoints(2 * DIMS)[None]
    assert overlap_fraction(small, large) == pytest.approx(1)
    assert overlap_fraction(large, small) == pytest.approx(1 / 8)


@pytest.mark.parametrize('thickness', [1e-3, 1e-6, 1e-9])
def test_thin_cuboids_keep_their_precision_far_from_the_origin(thickness):
    # Half of the thickness is shared; corners are exact binary fractions.
    thickness = 2.0 ** np.round(np.log2(thickness))
    board = cuboid_keypoints(np.array([1.0, thickness, 1.0]))[None] + [1.0, 0.0, 2.0]
    shifted = board + np.array([0.0, thickness / 2, 0.25])
    assert overlap_fraction(board, shifted) == pytest.approx(0.5 * 0.75, abs=1e-10)
