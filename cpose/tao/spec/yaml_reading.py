"""Read YAML with the line of every key."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from yaml.reader import ReaderError

from cpose.error_places import FilePlace
from cpose.errors import ConfigError
from cpose.files.text_files import MOST_YAML_BYTES, parse_yaml_nodes, read_text
from cpose.tao import SECRET

FLOAT = re.compile(
    r"""^(?:[-+]?(?:\d[\d_]*)\.[\d_]*(?:[eE][-+]?\d+)?
    |[-+]?\d[\d_]*[eE][-+]?\d+
    |[-+]?\.\d[\d_]*(?:[eE][-+]?\d+)?
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
"""PyYAML takes ``6e-05`` as text, since it has no point."""


OLDER_NAMES = {'train.randomseed': 'train.seed'}
"""Keys of older releases of TAO."""
NO_LINES: Mapping[str, int] = MappingProxyType({})

FLOAT_TAG = 'tag:yaml.org,2002:float'
LEFT_OUT = (FLOAT_TAG, 'tag:yaml.org,2002:timestamp')


class SpecLoader(yaml.SafeLoader):
    """Safe loader that knows ``6e-05`` as a number, and dates as texts."""


SpecLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in LEFT_OUT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
SpecLoader.add_implicit_resolver(FLOAT_TAG, FLOAT, list('-+0123456789.'))


@dataclass(frozen=True)
class SpecText:
    """What a spec file holds.

    Attributes:
        values: Nested dicts and lists.
        lines: Line by dotted key, from 1; entries of lists by number.
        path: The file.
    """

    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    path: str = ''


def read_spec_text(path: str | Path) -> SpecText:
    """Read a spec file.

    Raises:
        ConfigError: If it cannot be read, is no YAML, or does not hold sections; a key given twice
            is an error too. The message names file and line.
    """
    text = read_text(path, MOST_YAML_BYTES, ConfigError)
    try:
        node, values = _parse(text)
        lines = dict(_lines(node, '', str(path))) if node is not None else {}
    except yaml.YAMLError as error:
        raise _syntax_error(error, path, text) from error
    if not isinstance(values, dict):
        raise ConfigError(
            f'holds a {type(values).__name__}, not sections',
            place=FilePlace(path),
            advice='A spec begins with keys such as "dataset:" and "train:"',
        )
    return SpecText(nest_keys(values, lines, str(path)), lines, str(path))


def current_name(dotted: str) -> str:
    """Return what a dotted key is called today."""
    return OLDER_NAMES.get(dotted, dotted)


def nest_keys(
    values: Mapping[Any, Any], lines: Mapping[str, int] = NO_LINES, path: str = ''
) -> dict[str, Any]:
    """Return a spec with today's names and dotted keys as sections.

    Args:
        values: The spec.
        lines: Line by dotted key, for messages.
        path: Its file, for messages.

    Raises:
        ConfigError: If a key is given in two of these ways.
    """
    tree: dict[str, Any] = {}
    for dotted, value in _leaves(values, ''):
        *sections, last = dotted.split('.')
        place: Any = tree
        for section in sections:
            if isinstance(place, dict) and place.get(section) is None:
                place[section] = {}
            place = place[section] if isinstance(place, dict) else None
        is_open = isinstance(place, dict) and place.get(last) is None
        if not is_open and not (value is None and isinstance(place, dict)):
            raise _given_again(path, dotted, lines.get(dotted))
        place[last] = place.get(last) if value is None else value
    return tree


def _leaves(values: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield what is in no section below, by dotted key; an empty section is one itself."""
    for name, value in values.items():
        dotted = current_name(f'{prefix}{name}')
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f'{dotted}.')
        else:
            yield dotted, None if isinstance(value, Mapping) else value


def _given_again(path: str, dotted: str, line: int | None, first: int | None = None) -> ConfigError:
    where = '' if first is None else f'; it is in line {first} already'
    return ConfigError(
        f'is given again{where}', place=FilePlace(path, dotted, line), advice='Remove one'
    )


def parse_value(text: str) -> Any:
    """Return the value of one override as YAML would read it; no text is an empty one.

    Raises:
        yaml.YAMLError: If it is no YAML.
    """
    node, value = _parse(text)
    return '' if node is None else value


def _parse(text: str) -> tuple[yaml.Node | None, Any]:
    """Return the tree of a text and its value; no tree and no keys if there is nothing.

    Raises:
        yaml.YAMLError: See `parse_yaml_nodes`.
    """
    node, value = parse_yaml_nodes(text, SpecLoader)
    return node, {} if node is None else value


def _lines(node: yaml.Node, prefix: str, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, child in node.value:
            line = name.start_mark.line + 1
            dotted = current_name(f'{prefix}.{name.value}' if prefix else str(name.value))
            if dotted in seen:
                raise _given_again(path, dotted, line, seen[dotted])
            seen[dotted] = line
            yield dotted, line
            yield from _lines(child, dotted, path)
    elif isinstance(node, yaml.SequenceNode):
        for number, child in enumerate(node.value):
            yield f'{prefix}.{number}', child.start_mark.line + 1
            yield from _lines(child, f'{prefix}.{number}', path)


def _syntax_error(error: yaml.YAMLError, path: str | Path, text: str) -> ConfigError:
    """Return the error of the user for text that is no YAML; it does not show the key."""
    mark = getattr(error, 'problem_mark', None) or getattr(error, 'context_mark', None)
    line, column = (mark.line + 1, f' at column {mark.column + 1}') if mark else (None, '')
    if isinstance(error, ReaderError):
        line = len(text[: error.position].splitlines())
    problem = getattr(error, 'problem', None) or str(error).splitlines()[0]
    if mark and SECRET in ''.join(text.splitlines()[mark.line : mark.line + 1]):
        problem = f'the value of {SECRET} needs quotes'
    return ConfigError(
        f'is no YAML{column}: {problem}', place=FilePlace(path, line=line), advice='Correct it'
    )
