"""What is wrong with a spec, in words: place, key, value and what is allowed."""

from collections.abc import Mapping
from typing import Any

from cpose.encryption.key import HIDDEN
from cpose.errors import nearest_names
from cpose.tao.spec_keys import describe_allowed, experiment_schema, section_keys, spec_keys
from cpose.tao.spec_origin import SpecOrigin

MOST_ERRORS = 8
SHOWN = 60
"""Characters of a wrong value that a message shows."""


def describe_errors(errors: list[Any], origin: SpecOrigin) -> str:
    """Describe what pydantic found, one line each.

    Args:
        errors: ``ValidationError.errors()``.
        origin: Where the values come from.
    """
    lines = [_describe(error, origin) for error in errors[:MOST_ERRORS]]
    if len(errors) > MOST_ERRORS:
        lines.append(f'... and {len(errors) - MOST_ERRORS} more.')
    return '\n'.join(lines)


def _describe(error: Mapping[str, Any], origin: SpecOrigin) -> str:
    parts = [str(part) for part in error['loc']]
    dotted = '.'.join(parts)
    place = origin.place(dotted)
    if error['type'] == 'extra_forbidden':
        return f'{place}: there is no key {dotted}. {suggest_key(dotted)}'
    schema = _find(parts)
    text = HIDDEN if 'writeOnly' in schema else repr(error['input'])
    value = text if len(text) <= SHOWN else f'{text[:SHOWN]}…'
    allowed = describe_allowed(schema)
    if error['type'] == 'only_value':
        return f'{place}: {dotted}={value} cannot apply: {error["msg"]}. Allowed: {allowed}.'
    return f'{place}: {dotted}={value} is not allowed. Allowed: {allowed}.'


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
