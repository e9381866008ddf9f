"""Overrides from the command line, and references inside a spec."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from cpose.error_places import Place
from cpose.errors import ConfigError
from cpose.files.encryption_key import HIDDEN, HOW_TO_GIVE
from cpose.tao import SECRET
from cpose.tao.spec.errors import COMMAND_LINE, SpecPlace
from cpose.tao.spec.yaml_reading import current_name, parse_value

REFERENCE = re.compile(r'\$\{([^${}]*)\}')
MOST_STEPS = 20
"""References that lead to references; more of them go in a circle."""
MOST_REFERENCES, MOST_CHARACTERS = 1000, 10_000
"""Of a whole spec, and of a text with references in it: both can double with each step."""


def apply_overrides(values: dict[str, Any], words: Sequence[str]) -> tuple[dict[str, Any], set]:
    """Put ``section.key=value`` words into a spec.

    Args:
        values: The spec, left as it is.
        words: Overrides; lists as ``[a,b]``. A leading ``+`` or ``++``, as Hydra has it, does
            nothing.

    Returns:
        The spec with the overrides, and the dotted keys that they gave.

    Raises:
        ConfigError: If a word is no override.
    """
    result = _copy(values)
    given = set()
    for word in words:
        name, equals, text = word.partition('=')
        name = current_name(name.lstrip('+'))
        if not equals or not re.fullmatch(r'[\w ]+(\.[\w ]+)*', name):
            raise ConfigError(
                'is not KEY=VALUE',
                place=_place(word),
                advice='Write for example train.num_epochs=2',
            )
        try:
            value = parse_value(text)
        except yaml.YAMLError as error:
            raise ConfigError(
                'has a value that is no YAML', place=_place(word), advice='Quote it'
            ) from error
        _put(result, name.split('.'), value, word)
        given.add(name)
    return result, given


def resolve_references(values: dict[str, Any], at: Callable[[str], Place]) -> dict[str, Any]:
    """Replace ``${section.key}`` by the value of that key.

    Args:
        values: The spec.
        at: Gives the place of a dotted key.

    Raises:
        ConfigError: If there is no such key, references go in a circle, or a resolver such as
            ``${eval:...}`` is named: a spec runs no code. The encryption key is neither put
            together nor copied so, as other values are shown.
    """
    num_found = 0

    def resolve(node: Any, key: str, steps: int = 0) -> Any:
        nonlocal num_found
        if isinstance(node, Mapping):
            return {
                name: resolve(child, f'{key}.{name}'.lstrip('.'), steps)
                for name, child in node.items()
            }
        if isinstance(node, list):
            return [resolve(child, f'{key}.{number}', steps) for number, child in enumerate(node)]
        if not isinstance(node, str) or not REFERENCE.search(node):
            return node
        if key == SECRET:
            raise ConfigError('has a reference', value=HIDDEN, place=at(key), advice=HOW_TO_GIVE)
        num_found += 1
        if steps > MOST_STEPS or num_found > MOST_REFERENCES or len(node) > MOST_CHARACTERS:
            raise ConfigError('refers to itself, or grows', value=node, place=at(key))
        whole = REFERENCE.fullmatch(node)
        if whole:
            return resolve(_look_up(values, whole[1], at(key)), key, steps + 1)
        text = REFERENCE.sub(lambda found: str(_look_up(values, found[1], at(key))), node)
        return resolve(text, key, steps + 1)

    resolved: dict[str, Any] = resolve(values, '')
    return resolved


def _look_up(values: Mapping[str, Any], name: str, place: Place) -> Any:
    if ':' in name:
        raise ConfigError(
            f'wants the resolver ${{{name}}}, but a spec runs no code',
            place=place,
            advice='Write the value, or refer to another key',
        )
    if name == SECRET:
        raise ConfigError(f'refers to {name}, which no other key may show', place=place)
    node: Any = values
    for part in name.split('.'):
        if not isinstance(node, Mapping) or part not in node:
            raise ConfigError(f'refers to ${{{name}}}, which is not there', place=place)
        node = node[part]
    return node


def _put(values: dict[str, Any], parts: list[str], value: Any, word: str) -> None:
    for part in parts[:-1]:
        if values.get(part) is None:
            values[part] = {}
        values = values[part]
        if not isinstance(values, dict):
            raise ConfigError(f'goes into {part}, which is no section', place=_place(word))
    values[parts[-1]] = value


def _place(word: str) -> SpecPlace:
    """Return the place of an override, without the encryption key."""
    before, name, _ = word.partition(SECRET)
    return SpecPlace(f'{before}{name}={HIDDEN}' if name else word, COMMAND_LINE)


def _copy(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _copy(value) for key, value in node.items()}
    return [_copy(value) for value in node] if isinstance(node, list) else node
