"""Symmetry groups of objects, and the group that an annotated object has."""

from typing import Any

import numpy as np

from cpose.errors import DataError, check_number
from cpose.geometry.symmetry import full_turn, relabel_cuboid, rotate_about_up
from cpose.registry import SYMMETRIES


@SYMMETRIES.register_module()
class NoSymmetry:
    """Keep the annotated cuboid as the only candidate."""

    order = 1

    def candidates(self, keypoints: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return keypoints (1, 9, 3) and dims (1, 3) of the given (9, 3) and (3,)."""
        return np.asarray(keypoints)[None], np.asarray(dims)[None]


MAX_ORDER = 360
"""Steps of a degree; every one becomes a candidate of training."""


@SYMMETRIES.register_module()
class RotationalSymmetry:
    """Rotate the cuboid rigidly about its up axis in ``order`` equal steps.

    Source: TAO PyTorch 6.25.10, ``num_symmetry``.

    Args:
        order: Number of candidates, 12 for steps of 30 degrees.
    """

    def __init__(self, order: int = 12) -> None:
        check_number('order', order, least=1, most=MAX_ORDER, is_whole=True)
        self.order = order

    def candidates(self, keypoints: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rotated cuboids, the given one first.

        Args:
            keypoints: (9, 3), any camera frame.
            dims: (3,) extents along object x, y, z.

        Returns:
            Keypoints (order, 9, 3) and dims (order, 3); a rigid rotation keeps the extents.
        """
        rotated = rotate_about_up(keypoints, full_turn(self.order))
        rotated[0] = keypoints
        return rotated, np.repeat(np.asarray(dims)[None], self.order, axis=0)


@SYMMETRIES.register_module()
class CuboidSymmetry:
    """Relabel the corners of the same solid for 0, 90, 180 and 270 degrees about its up axis.

    Unlike a rotation of the solid this is right for footprints that are not square; the x and z
    extents are exchanged at 90 and 270 degrees.
    """

    order = 4

    def candidates(self, keypoints: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return keypoints (4, 9, 3) and dims (4, 3) of the given (9, 3) and (3,)."""
        return relabel_cuboid(keypoints, dims)


SYMMETRIC_ABSENT = -1
SYMMETRIC_TRUE = -2


def parse_symmetric(value: Any) -> bool | int | None:
    """Normalise the field ``symmetric`` of an annotated object.

    Args:
        value: As read from JSON: absent or null, a boolean, the text of one, or a whole number.

    Returns:
        None, a boolean, or the order of a rotational symmetry.

    Raises:
        DataError: If the value is none of these; the message does not name the file.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ('true', 'false'):
        return value.lower() == 'true'
    if isinstance(value, int) and 1 <= value <= MAX_ORDER:
        return value
    raise DataError(
        f'must be true, false or the number of equivalent rotations, 1 to {MAX_ORDER}',
        argument='symmetric',
        value=value,
    )


def encode_symmetric(symmetric: bool | int | None) -> int:
    """Turn the field ``symmetric`` into a whole number: −1 absent, −2 true, 0 false, order."""
    if symmetric is None:
        return SYMMETRIC_ABSENT
    return SYMMETRIC_TRUE if symmetric is True else int(symmetric)


def decode_symmetric(code: int) -> bool | int | None:
    """Invert `encode_symmetric`."""
    return {SYMMETRIC_ABSENT: None, SYMMETRIC_TRUE: True, 0: False}.get(code, code)


def resolve_symmetry(symmetric: bool | int | None, category_symmetry: Any) -> Any:
    """Choose the symmetry of one object.

    Args:
        symmetric: As returned by `parse_symmetric`.
        category_symmetry: Symmetry object of the object's category.

    Returns:
        The category's symmetry if the field is missing or true, none if it is false, rotations
        of the given order if it is a number.
    """
    if symmetric is None or symmetric is True:
        return category_symmetry
    if symmetric is False:
        return NoSymmetry()
    return RotationalSymmetry(symmetric)
