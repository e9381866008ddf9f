"""Rotations: unit quaternions (x, y, z, w), matrices and rotation vectors.

A quaternion and its negative are the same rotation; functions here return the one with w ≥ 0.
"""

import numpy as np

IDENTITY = np.eye(3)
CONJUGATE = np.array([-1.0, -1.0, -1.0, 1.0])
"""Factors that make the inverse of a unit quaternion of it."""
TINY = 1e-300
"""Stands for zero in a denominator whose numerator is zero too."""


def _sum_products(*terms: str) -> np.ndarray:
    """Return (16, N): which products of two quaternions' numbers are added up to N numbers.

    Args:
        terms: N sums such as ``'xw wx yz -zy'``, each of products of a number of the first
            quaternion with one of the second.
    """
    table = np.zeros((16, len(terms)))
    for column, term in enumerate(terms):
        for product in term.split():
            first, second = ('xyzw'.index(letter) for letter in product.lstrip('-'))
            table[4 * first + second, column] = -1 if product.startswith('-') else 1
    return table


PRODUCT = _sum_products('wx xw yz -zy', 'wy yw zx -xz', 'wz zw xy -yx', 'ww -xx -yy -zz')
"""Of the numbers of a composition."""
HALF_MATRIX = _sum_products(
    '-yy -zz', 'xy -zw', 'xz yw', 'xy zw', '-xx -zz', 'yz -xw', 'xz -yw', 'yz xw', '-xx -yy'
)
"""Of the entries of half the difference of a rotation matrix from the identity, row by row."""


def quaternion_from_vector(vector: np.ndarray) -> np.ndarray:
    """Convert rotation vectors to quaternions; the zero vector gives the identity.

    Args:
        vector: (..., 3), axis times angle, radians.

    Returns:
        (..., 4), unit, order x y z w, w ≥ 0.
    """
    vector = np.asarray(vector, dtype=np.float64)
    half = np.sqrt((vector * vector).sum(axis=-1, keepdims=True)) / 2
    # np.sinc(x) is sin(πx) / (πx) and knows its limit at 0.
    quaternion = np.concatenate([vector / 2 * np.sinc(half / np.pi), np.cos(half)], axis=-1)
    return _with_positive_w(quaternion)


def vector_from_quaternion(quaternion_xyzw: np.ndarray) -> np.ndarray:
    """Invert `quaternion_from_vector`.

    Args:
        quaternion_xyzw: (..., 4), unit, order x y z w.

    Returns:
        (..., 3), axis times angle, radians; no longer than π.
    """
    quaternion = _with_positive_w(np.asarray(quaternion_xyzw, dtype=np.float64))
    vector = quaternion[..., :3]
    sine = np.sqrt((vector * vector).sum(axis=-1, keepdims=True))
    half = np.arctan2(sine, quaternion[..., 3:])
    # Where the angle is zero the vector is zero too.
    return np.asarray(2 * vector * (half / np.maximum(sine, TINY)))


def quaternion_from_matrix(matrix: np.ndarray) -> np.ndarray:
    """Convert rotation matrices to quaternions, for every angle equally exact.

    The largest of four equivalent forms is taken, so that nothing is divided by a small number.
    Source: Shepperd, "Quaternion from Rotation Matrix", Journal of Guidance and Control, 1978.

    Args:
        matrix: (..., 3, 3), orthonormal with determinant 1.

    Returns:
        (..., 4), unit, order x y z w, w ≥ 0.
    """
    m = np.asarray(matrix, dtype=np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    xy, xz, yz = (
        m[..., 1, 0] + m[..., 0, 1],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 2, 1] + m[..., 1, 2],
    )
    xw, yw, zw = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    # Row k is 4 q_k (x, y, z, w): all rows are the same rotation, the longest is the best known.
    rows = np.stack(
        [
            np.stack([1 + xx - yy - zz, xy, xz, xw], axis=-1),
            np.stack([xy, 1 - xx + yy - zz, yz, yw], axis=-1),
            np.stack([xz, yz, 1 - xx - yy + zz, zw], axis=-1),
            np.stack([xw, yw, zw, 1 + xx + yy + zz], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax((rows * rows).sum(axis=-1), axis=-1)
    row = np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :]
    return _with_positive_w(row / np.linalg.norm(row, axis=-1, keepdims=True))


def matrix_from_quaternion(quaternion_xyzw: np.ndarray) -> np.ndarray:
    """Convert quaternions to rotation matrices.

    Args:
        quaternion_xyzw: (..., 4), any length but zero.

    Returns:
        (..., 3, 3).
    """
    q = np.asarray(quaternion_xyzw, dtype=np.float64)
    q = q / np.sqrt((q * q).sum(axis=-1, keepdims=True))
    entries = _outer(2 * q, q) @ HALF_MATRIX
    return entries.reshape(*q.shape[:-1], 3, 3) + IDENTITY


def multiply_quaternions(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compose rotations: ``second`` is applied first, as with matrices.

    Args:
        first: (..., 4), order x y z w.
        second: (..., 4), order x y z w.

    Returns:
        (..., 4), w ≥ 0.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return _with_positive_w(_outer(first, second) @ PRODUCT)


def _outer(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return all products (..., 16) of the numbers of two quaternions."""
    products = first[..., :, None] * second[..., None, :]
    return products.reshape(*products.shape[:-2], 16)


def _with_positive_w(quaternion: np.ndarray) -> np.ndarray:
    return np.where(quaternion[..., 3:] < 0, -quaternion, quaternion)
