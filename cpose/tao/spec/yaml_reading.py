"""Read YAML with the line of every key."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
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
    return SpecText(values, lines, str(path))


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
            dotted = f'{prefix}.{name.value}' if prefix else str(name.value)
            if dotted in seen:
                raise ConfigError(
                    f'is given again; it is in line {seen[dotted]} already',
                    place=FilePlace(path, dotted, line),
                    advice='Remove one',
                )
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
