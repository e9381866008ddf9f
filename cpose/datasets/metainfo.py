"""Meta information and input size, as all data sets take them."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from cpose.errors import ConfigError

META_KEYS = ('category', 'symmetry', 'eval_num_symmetry')


def normalise_metainfo(metainfo: Mapping[str, Any] | None) -> dict[str, tuple[Any, ...]]:
    """Turn the meta information of one or several categories into tuples of equal length.

    Raises:
        ConfigError: If a key is unknown, the names are not different texts or the lengths differ.
    """
    defaults = {'category': 'object', 'symmetry': {'type': 'NoSymmetry'}, 'eval_num_symmetry': 1}
    given = dict(metainfo or {})
    unknown = sorted(set(given) - set(META_KEYS))
    if unknown:
        raise ConfigError(
            f'has unknown keys {unknown}', argument='metainfo', advice=f'Use {", ".join(META_KEYS)}'
        )
    given = {key: value for key, value in given.items() if value is not None}
    values = {key: _as_tuple(given.get(key, defaults[key])) for key in META_KEYS}
    for place, name in enumerate(values['category']):
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(
                f'is no name at place {place}',
                argument='metainfo.category',
                value=name,
                advice='Give a text, in quotes',
            )
    count = len(values['category'])
    if not count or len(set(values['category'])) < count:
        raise ConfigError(
            'must be one name or different names, one for each category',
            argument='metainfo.category',
            value=list(values['category']),
        )
    for key, value in values.items():
        if len(value) not in (1, count):
            raise ConfigError(
                f'has {len(value)} entries for {count} categories',
                argument=f'metainfo.{key}',
                advice='Give one entry for all categories, or one each',
            )
    return {k: v if len(v) == count else v * count for k, v in values.items()}


def check_input_wh(input_wh: Any) -> tuple[int, int]:
    """Return width and height of the network input.

    Raises:
        ConfigError: If they are not two multiples of 32.
    """
    sides = _as_tuple(input_wh)
    are_whole = all(isinstance(side, Integral) for side in sides)
    if not are_whole or len(sides) != 2 or any(side <= 0 or side % 32 for side in sides):
        given = sides if len(sides) > 1 else input_wh
        raise ConfigError(
            'must be width and height, both multiples of 32',
            argument='input_wh',
            value=given,
            advice='Give for example (512, 512)',
        )
    return int(sides[0]), int(sides[1])


def _as_tuple(value: Any) -> tuple[Any, ...]:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return tuple(value) if is_list else (value,)
