"""What is annotated of an object besides its cuboid: any field of numbers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpose.structures.pose_data_sample import CuboidAnnotations


def stack_extras(objects: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return the fields of numbers of all objects of an image, as `CuboidAnnotations.extras`.

    Left out are texts and nested objects, and fields whose shape is not the same in all objects
    that have them.

    Args:
        objects: N mappings of field to value.

    Returns:
        (N, ...) float64 by field, NaN for objects that lack it.
    """
    names = dict.fromkeys(name for item in objects for name in item)
    columns = ((name, [_numbers(item.get(name)) for item in objects]) for name in names)
    return {name: _stack(column) for name, column in columns if _is_regular(column)}


def unstack_extras(annotations: CuboidAnnotations) -> list[dict[str, Any]]:
    """Undo `stack_extras`: return the fields of each object, without those that it lacks."""
    return [
        {
            name: array[number].tolist()
            for name, array in annotations.extras.items()
            if not np.isnan(array[number]).all()
        }
        for number in range(len(annotations))
    ]


def pack_extras(annotations: CuboidAnnotations) -> list[str]:
    """Return the fields of each object as JSON, empty where there are none."""
    return [json.dumps(item) if item else '' for item in unstack_extras(annotations)]


def unpack_extras(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Undo `pack_extras` for the objects of one image."""
    if not any(texts):
        return {}
    return stack_extras([json.loads(text) if text else {} for text in texts])


def _numbers(value: Any) -> np.ndarray | None:
    """Return a value of a file as float64, None if it is absent or not made of numbers."""
    if value is None or isinstance(value, str | dict):
        return None
    try:
        array = np.array(value)
    except ValueError:  # rows of unequal length
        return None
    return array.astype(np.float64) if array.dtype.kind in 'biuf' and array.size else None


def _is_regular(column: Sequence[np.ndarray | None]) -> bool:
    return len({array.shape for array in column if array is not None}) == 1


def _stack(column: Sequence[np.ndarray | None]) -> np.ndarray:
    shape = next(array.shape for array in column if array is not None)
    missing = np.full(shape, np.nan)
    return np.stack([missing if array is None else array for array in column])
