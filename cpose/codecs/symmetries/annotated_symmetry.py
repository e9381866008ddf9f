"""Which symmetry an annotated object has: its own field wins over its category."""

from typing import Any

from cpose.codecs.symmetries.no_symmetry import NoSymmetry
from cpose.codecs.symmetries.rotational_symmetry import MAX_ORDER, RotationalSymmetry
from cpose.errors import DataError

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
    shown = f'{value!r:.60}'
    raise DataError(
        f'is {shown}. Use true, false or the number of equivalent rotations, 1 to {MAX_ORDER}.'
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

    Raises:
        DataError: If the object is called symmetric but its category has no symmetry.
    """
    if symmetric is None:
        return category_symmetry
    if symmetric is True:
        if category_symmetry.order == 1:
            raise DataError(
                'symmetric is true, but the category has no symmetry '
                '(config key metainfo.symmetry). Give the number of equivalent rotations instead.'
            )
        return category_symmetry
    if symmetric is False:
        return NoSymmetry()
    return RotationalSymmetry(symmetric)
