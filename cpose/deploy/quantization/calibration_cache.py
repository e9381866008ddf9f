"""A file that keeps measured ranges, valid for one model, one list of images and one method."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError
from cpose.files.json_files import write_json
from cpose.files.text_files import MOST_BYTES, read_json

CACHE_FORMAT = 'cpose calibration cache 1'

Ranges = dict[str, tuple[float, float]]
"""Least and largest value by name of the tensor."""


@dataclass(frozen=True)
class CalibrationKey:
    """What ranges depend on.

    Attributes:
        model: Hash of the graph and its weights.
        images: Hash of the network inputs.
        method: How ranges are made from values.
    """

    model: str
    images: str
    method: str


def key_of(model: Any, batches: Iterable[np.ndarray], method: str) -> CalibrationKey:
    """Return the key of the ranges of an ``onnx.ModelProto`` on network inputs.

    The pixels are hashed, not the names and times of files: it costs little beside the network, and
    a copied folder fits as a repainted image does not.
    """
    pixels = hashlib.sha256()
    for batch in batches:
        pixels.update(np.ascontiguousarray(batch).tobytes())
    weights = hashlib.sha256(model.SerializeToString(deterministic=True))
    return CalibrationKey(weights.hexdigest(), pixels.hexdigest(), method)


def read_cache(path: str | Path, key: CalibrationKey) -> tuple[Ranges | None, str]:
    """Return the ranges of a cache file, None if they are of something else, and why.

    Raises:
        ConfigError: If the file is not a calibration cache; it would be overwritten.
    """
    if not Path(path).exists():
        return None, f'{path} is new'
    content = _read(path)
    changed = [name for name, value in vars(key).items() if content['key'].get(name) != value]
    if changed:
        return None, f'{path} was made with other {" and ".join(changed)}'
    ranges = {name: (float(low), float(high)) for name, (low, high) in content['ranges'].items()}
    return ranges, f'{path} fits model, images and method'


def write_cache(path: str | Path, key: CalibrationKey, ranges: Ranges) -> None:
    """Write ranges.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_json(path, {'format': CACHE_FORMAT, 'key': vars(key), 'ranges': ranges})


def _read(path: str | Path) -> Mapping[str, Any]:
    try:
        content = read_json(path, MOST_BYTES)
    except DataError as error:
        raise _not_a_cache(path, f'it {error.problem}') from error
    if not isinstance(content, dict) or content.get('format') != CACHE_FORMAT:
        raise _not_a_cache(path, f'it does not begin with "format": "{CACHE_FORMAT}"')
    if not isinstance(content.get('key'), dict) or not _has_ranges(content.get('ranges')):
        raise _not_a_cache(path, 'its key or ranges are damaged')
    return content


def _has_ranges(ranges: Any) -> bool:
    if not isinstance(ranges, dict):
        return False
    return all(
        isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(value, int | float) and math.isfinite(value) for value in pair)
        for pair in ranges.values()
    )


def _not_a_cache(path: str | Path, reason: str) -> ConfigError:
    return ConfigError(
        f'is not a calibration cache ({reason})',
        argument='cache',
        place=FilePlace(path),
        advice=('Choose another file', 'Remove this one'),
    )
