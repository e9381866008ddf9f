import numpy as np

from cpose.codecs.symmetries import CuboidSymmetry, RotationalSymmetry
from cpose.structures.cuboid import cuboid_keypoints


def test_candidates_are_the_same_solid():
    dims = np.array([0.3, 0.5, 0.2])
    points, extents = CuboidSymmetry().candidates(cuboid_keypoints(dims), dims)
    assert CuboidSymmetry().order == len(points) == len(extents) == 4
    np.testing.assert_array_equal(points[0], cuboid_keypoints(dims))
    spans = points.max(axis=1) - points.min(axis=1)
    np.testing.assert_allclose(spans, np.tile(dims, (4, 1)))
    np.testing.assert_array_equal(extents[1], dims[[2, 1, 0]])
    assert len({tuple(row[1]) for row in points}) == 4


def test_square_footprint_is_fourfold():
    dims = np.array([0.3, 0.5, 0.3])
    keypoints = cuboid_keypoints(dims)
    points, _ = CuboidSymmetry().candidates(keypoints, dims)
    rotated, _ = RotationalSymmetry(order=4).candidates(keypoints, dims)
    np.testing.assert_allclose(points, rotated, atol=1e-12)
