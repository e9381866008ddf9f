import numpy as np

from cpose.structures.camera import cv_from_gl, gl_from_cv, guess_intrinsics, intrinsic_matrix


def test_frames_swap_x_and_y_and_negate_z():
    point_cv = np.array([1.0, 2.0, 3.0])
    assert gl_from_cv(point_cv).tolist() == [2, 1, -3]
    assert cv_from_gl(gl_from_cv(point_cv)).tolist() == point_cv.tolist()
    assert gl_from_cv(np.zeros((4, 9, 3))).shape == (4, 9, 3)


def test_intrinsic_matrix_places_its_entries():
    matrix = intrinsic_matrix(600, 610, 300, 400, 0.5)
    u, v, w = matrix @ [2.0, 3.0, 1.0]
    assert (u, v, w) == (600 * 2 + 0.5 * 3 + 300, 610 * 3 + 400, 1)


def test_guess_fits_the_cameras_of_objectron():
    matrix = guess_intrinsics((600, 800))
    assert 600 < matrix[0, 0] == matrix[1, 1] < 670
    assert matrix[:2, 2].tolist() == [300, 400]
