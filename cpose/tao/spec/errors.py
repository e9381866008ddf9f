"""What is wrong with a spec, in words: place, key, value and what is allowed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cpose.error_places import with_value
from cpose.errors import ConfigError, nearest_names
from cpose.files.encryption_key import HIDDEN
from cpose.tao.spec.key_list import describe_allowed, experiment_schema, section_keys, spec_keys

COMMAND_LINE = 'Command line'


@dataclass(frozen=True)
class SpecOrigin:
    """Where the values of a spec come from.

    Attributes:
        path: The spec file.
        lines: Line by dotted key, from 1.
        overridden: Dotted keys of the command line.
        given: Dotted keys of file and command line that have a value.
        missing: Dotted keys that a template marks as missing.
    """

    path: str
    lines: Mapping[str, int] = field(default_factory=dict)
    overridden: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()

    def place(self, key: str) -> str:
        """Name file and line of a key, or of the section that it is missing from."""
        parts = key.split('.')
        names = ['.'.join(parts[:end]) for end in range(len(parts), 0, -1)]
        if not self.overridden.isdisjoint(names):
            return COMMAND_LINE
        line = next((self.lines[name] for name in names if name in self.lines), None)
        return f'Spec {self.path}' if line is None else f'Spec {self.path}, line {line}'

    def at(self, key: str) -> 'SpecPlace':
        """Return the place of a key for an error."""
        return SpecPlace(key, self.place(key))

    def gives(self, key: str) -> bool:
        """Whether a key, or anything of a section, has a value."""
        return any(name == key or name.startswith(f'{key}.') for name in self.given)


@dataclass(frozen=True)
class SpecPlace:
    """A key of a spec.

    Attributes:
        key: Dotted key.
        where: File and line, or the command line.
    """

    key: str
    where: str

    def describe(self, argument: str | None, value: Any) -> str:
        """Return where the key is, and its value."""
        return f'{self.where}: {with_value(self.key, value)}'

    def name(self, argument: str) -> str:
        """Return a key of the same section."""
        section = self.key.rpartition('.')[0]
        return f'{section}.{argument}' if section else argument


MOST_ERRORS = 8


class SpecValuesError(ConfigError):
    """Several values of a spec are wrong; the message has a line for each.

    Args:
        errors: One error for each.
    """

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        lines = [str(error) for error in errors[:MOST_ERRORS]]
        if len(errors) > MOST_ERRORS:
            lines.append(f'... and {len(errors) - MOST_ERRORS} more.')
        super().__init__('\n'.join(lines))
        self.errors = tuple(errors)


def errors_of_values(found: Sequence[Any], origin: SpecOrigin) -> ConfigError:
    """Return the error of the user for what pydantic found.

    Args:
        found: ``ValidationError.errors()``.
        origin: Where the values come from.
    """
    errors = [_error_of_value(error, origin) for error in found]
    return errors[0] if len(errors) == 1 else SpecValuesError(errors)


def _error_of_value(error: Mapping[str, Any], origin: SpecOrigin) -> ConfigError:
    parts = [str(part) for part in error['loc']]
    dotted = '.'.join(parts)
    place = origin.at(dotted)
    if error['type'] == 'extra_forbidden':
        return ConfigError('is no key of a spec', place=place, advice=suggest_key(dotted))
    schema = _find(parts)
    value = HIDDEN if 'writeOnly' in schema else error['input']
    allowed = describe_allowed(schema)
    if error['type'] == 'only_value':
        problem = f'cannot apply: {error["msg"]}'
        return ConfigError(problem, value=value, place=place, advice=f'Allowed: {allowed}')
    return ConfigError(f'must be {allowed}', value=value, place=place)


def suggest_key(dotted: str) -> str:
    """Name the keys that are nearest to an unknown one."""
    section, _, name = dotted.rpartition('.')
    known = {*spec_keys(), *section_keys()}
    elsewhere = sorted(key for key in known if key.rpartition('.')[2] == name)
    if elsewhere:
        return f'Nearest known: {", ".join(elsewhere)}.'
    siblings = [key.rpartition('.')[2] for key in known if key.rpartition('.')[0] == section]
    return nearest_names(name, siblings or known)


def _find(parts: list[str]) -> Mapping[str, Any]:
    """Return the schema of a key, a section or an entry of a list."""
    node: Mapping[str, Any] = experiment_schema()
    for part in parts:
        if part in node.get('properties', {}):
            node = node['properties'][part]
        elif 'items' in node and part.isdigit():
            node = node['items']
    return node
