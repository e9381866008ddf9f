import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.geometry.rotation import (
    matrix_from_quaternion,
    multiply_quaternions,
    quaternion_from_matrix,
    quaternion_from_vector,
    vector_from_quaternion,
)

HALF_TURNS = np.pi * np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0], [0, -0.6, 0.8]])


@pytest.fixture
def rotations():
    random = Rotation.random(200, random_state=np.random.default_rng(3))
    special = np.concatenate([np.zeros((1, 3)), np.full((1, 3), 1e-9), HALF_TURNS])
    return Rotation.concatenate([random, Rotation.from_rotvec(special)])


def with_positive_w(quaternions):
    return np.where(quaternions[..., 3:] < 0, -quaternions, quaternions)


def assert_same_rotation(actual, expected):
    agreement = np.abs((actual * expected).sum(axis=-1))
    np.testing.assert_allclose(agreement, 1, atol=1e-12)
    assert (actual[..., 3] >= 0).all()


def test_from_vector(rotations):
    assert_same_rotation(quaternion_from_vector(rotations.as_rotvec()), rotations.as_quat())


def test_to_vector(rotations):
    vectors = vector_from_quaternion(rotations.as_quat())
    assert (np.linalg.norm(vectors, axis=-1) <= np.pi + 1e-12).all()
    assert_same_rotation(quaternion_from_vector(vectors), rotations.as_quat())
    np.testing.assert_array_equal(vector_from_quaternion([0, 0, 0, 1]), np.zeros(3))


def test_identity_is_exact():
    np.testing.assert_array_equal(quaternion_from_vector(np.zeros(3)), [0, 0, 0, 1])
    np.testing.assert_array_equal(quaternion_from_matrix(np.eye(3)), [0, 0, 0, 1])


def test_long_vectors_turn_more_than_once():
    vector = np.array([0.0, 2 * np.pi + 0.5, 0.0])
    expected = [0, np.sin(0.25), 0, np.cos(0.25)]
    np.testing.assert_allclose(quaternion_from_vector(vector), expected, atol=1e-12)


def test_from_matrix(rotations):
    assert_same_rotation(quaternion_from_matrix(rotations.as_matrix()), rotations.as_quat())


def test_matrix_round_trip(rotations):
    matrices = matrix_from_quaternion(3 * rotations.as_quat())
    np.testing.assert_allclose(matrices, rotations.as_matrix(), atol=1e-12)


def test_product_applies_the_second_first(rotations):
    first, second = rotations[:100], rotations[100:200]
    product = multiply_quaternions(first.as_quat(), second.as_quat())
    expected = first.as_matrix() @ second.as_matrix()
    np.testing.assert_allclose(matrix_from_quaternion(product), expected, atol=1e-12)
    assert (product[:, 3] >= 0).all()


def test_any_leading_shape():
    assert quaternion_from_vector(np.zeros((2, 5, 3))).shape == (2, 5, 4)
    assert quaternion_from_matrix(np.zeros((0, 3, 3))).shape == (0, 4)
    assert matrix_from_quaternion(np.ones((2, 5, 4))).shape == (2, 5, 3, 3)
