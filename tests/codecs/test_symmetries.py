import numpy as np

from cpose.codecs.symmetries import NoSymmetry


def test_only_the_input():
    keypoints, dims = np.arange(27.0).reshape(9, 3), np.array([1.0, 2.0, 3.0])
    points, extents = NoSymmetry().candidates(keypoints, dims)
    assert NoSymmetry().order == len(points) == 1
    np.testing.assert_array_equal(points[0], keypoints)
    np.testing.assert_array_equal(extents[0], dims)
