"""Read what people write: text of any Unicode encoding, JSON and YAML, within limits."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cpose.error_places import FilePlace
from cpose.errors import DataError, UserError, unreadable

MOST_BYTES = 32 << 20
"""Of a file with the annotation of one image or a camera; ones of a few kilobytes are usual."""
MOST_YAML_BYTES = 1 << 20
"""Of a YAML file; its parser takes seconds for one."""
MOST_VALUES = 100_000
"""Of a YAML file, those of an alias counted wherever it is used."""
PARSER_ERRORS = (ValueError, LookupError, TypeError, AttributeError, OverflowError)
"""What PyYAML raises on values that are not of their tag, besides its own errors."""


def read_bytes(
    path: str | Path, most_bytes: int | None = None, kind: type[UserError] | None = None
) -> bytes:
    """Read a whole file that is not too long.

    Args:
        path: The file.
        most_bytes: Its greatest length, None for any.
        kind: Class of the error, `DataError` by default.

    Raises:
        UserError: If it cannot be read, is longer, or is a pipe or device with a name.
    """
    check_ends(path, kind)
    try:
        with open(path, 'rb') as file:
            status = os.fstat(file.fileno())
            if most_bytes is None:
                return file.read()
            is_plain = stat.S_ISREG(status.st_mode)
            length = min(status.st_size, most_bytes) if is_plain else most_bytes
            content = file.read(length + 1)
    except OSError as error:
        raise unreadable(path, error, kind) from error
    if len(content) > most_bytes:
        raise (kind or DataError)(
            f'is longer than {most_bytes:,} bytes',
            place=FilePlace(path),
            advice='Check that it is the file that you mean',
        )
    return content


def check_ends(path: str | Path, kind: type[UserError] | None = None) -> None:
    """Raise if a name is that of a pipe or a device, which may have no end or no beginning.

    Pipes that a shell opens, such as ``/dev/stdin`` or ``<(…)``, have no name and are read.

    Raises:
        UserError: If it is.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    is_usual = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    if not is_usual and os.path.exists(os.path.realpath(path)):
        raise (kind or DataError)(
            'is a pipe or a device', place=FilePlace(path), advice='Give a file'
        )


def check_name(path: str | Path) -> None:
    """Raise if a path has bytes that are no UTF-8, which texts and some libraries cannot hold.

    Raises:
        DataError: If it has.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise _undecoded(path) from error


def undecoded_name(error: UnicodeEncodeError) -> DataError | None:
    """Return the error of the user for a name with bytes that are no UTF-8.

    Args:
        error: Of a text that holds such a name.

    Returns:
        None if something else is behind it.
    """
    if not all('\udc80' <= letter <= '\udcff' for letter in error.object[error.start : error.end]):
        return None
    return _undecoded(error.object[max(error.start - 60, 0) : error.end + 60])


def _undecoded(path: str | Path) -> DataError:
    return DataError(
        'has a name with bytes that are no UTF-8', place=FilePlace(path), advice='Rename it'
    )


def read_text(
    path: str | Path, most_bytes: int | None = MOST_BYTES, kind: type[UserError] | None = None
) -> str:
    """Read a text file in UTF-8, UTF-16 or UTF-32, with or without a byte-order mark.

    Args:
        path: The file.
        most_bytes: See `read_bytes`.
        kind: Class of the error, `DataError` by default.

    Raises:
        UserError: If it cannot be read or is no text.
    """
    content = read_bytes(path, most_bytes, kind)
    try:
        return decode_text(content)
    except UnicodeDecodeError as error:
        raise (kind or DataError)(
            f'is no text: {error.reason} at byte {error.start}',
            place=FilePlace(path),
            advice='Write it in UTF-8',
        ) from error


def decode_text(content: bytes) -> str:
    """Decode text in UTF-8, UTF-16 or UTF-32 by its byte-order mark or its first characters.

    Raises:
        UnicodeDecodeError: If it is in none of them.
    """
    return content.decode(json.detect_encoding(content)).removeprefix('\ufeff')


def read_json(
    path: str | Path, most_bytes: int | None = None, kind: type[UserError] | None = None
) -> Any:
    """Read a JSON document.

    Args:
        path: The file.
        most_bytes: See `read_bytes`.
        kind: Class of the error, `DataError` by default.

    Raises:
        UserError: If the file is unreadable or not JSON.
    """
    text = read_text(path, most_bytes, kind)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise (kind or DataError)(
            _json_problem(error), place=FilePlace(path), advice='Write it again'
        ) from error


def _json_problem(error: ValueError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return 'is nested too deeply'
    return f'is not valid JSON ({error}), it may be truncated'


def parse_yaml(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """Return the value of the first document of a text, None if there is none.

    Raises:
        yaml.YAMLError: See `parse_yaml_nodes`.
    """
    return parse_yaml_nodes(text, loader, is_single=False)[1]


def parse_yaml_nodes(
    text: str, loader: type[yaml.SafeLoader], is_single: bool = True
) -> tuple[yaml.Node | None, Any]:
    """Return the tree of a text and its value, None if there is nothing.

    Args:
        text: YAML.
        loader: How values are read.
        is_single: Whether a second document is an error; else only the first one is read.

    Raises:
        yaml.YAMLError: If it is no YAML, a value is not what its tag says, or the values are more
            than `MOST_VALUES`, as those of aliases to aliases soon are.
    """
    if len(text) > MOST_YAML_BYTES:
        raise yaml.YAMLError(f'it is longer than {MOST_YAML_BYTES:,} characters')
    try:
        reader = loader(text)
        if is_single:
            node = reader.get_single_node()
        else:
            node = reader.get_node() if reader.check_node() else None
        if node is None:
            return None, None
        if count_values(node) > MOST_VALUES:
            raise yaml.YAMLError(
                f'it holds more than {MOST_VALUES:,} values; those of an alias count wherever it '
                'is used'
            )
        return node, reader.construct_document(node)
    except RecursionError as error:
        raise yaml.YAMLError('it is nested too deeply') from error
    except PARSER_ERRORS as error:
        raise yaml.YAMLError(f'a value cannot be read: {error}') from error


def count_values(node: yaml.Node) -> int:
    """Count the values in a node, those of an alias wherever it is used.

    Raises:
        yaml.YAMLError: If a node holds itself.
    """
    counts: dict[int, int] = {}

    def count(node: yaml.Node) -> int:
        key = id(node)
        if key not in counts:
            counts[key] = 0
            counts[key] = 1 + sum(map(count, _children(node)))
        elif not counts[key]:
            raise yaml.YAMLError('an alias refers to what it stands in')
        return counts[key]

    return count(node)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from (name, value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
