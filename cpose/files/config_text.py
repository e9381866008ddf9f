"""Configs as Python text that holds values alone, whoever made them.

MMEngine writes keys as they are and texts with its templates in them: a file written so may run
what a key says, and gives the value of an environment variable that a text names.
"""

import keyword
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

TEMPLATE = re.compile(r"""\{\{['"]?\s*(?:\$|_?base_?\.|file[A-Z])""")
"""How the templates of MMEngine begin: of environment variables, of bases, of the file's name."""
INDENT = '    '
SHORT = 80
"""Longest value on one line, characters."""


def config_text(tree: Mapping[str, Any]) -> str:
    """Return a config file in Python that sets the same as a tree.

    Keys are in alphabetical order. One that is no name cannot be set in such a file, and is left
    out.

    Args:
        tree: What the config sets, with ``_base_``.
    """
    names = sorted(key for key in tree if _is_name(key))
    return ''.join(f'{name} = {_value(tree[name], "")}\n' for name in names)


def docstring(text: str) -> str:
    """Return a text as the docstring that a config file begins with."""
    escaped = text.replace('\\', r'\\').replace('"', r'\"')
    return f'"""{without_templates(escaped)}"""\n'


def without_templates(literal: str) -> str:
    """Return a literal in Python in which MMEngine finds no template.

    Two braces stand in strings alone, as no literal has a dict as key.
    """
    return literal.replace('{{', r'{\x7b')


def _value(value: Any, indent: str) -> str:
    if isinstance(value, Mapping):
        is_call = all(_is_name(key) for key in value)
        left, right = ('dict(', ')') if is_call else ('{', '}')
        return _joined(left, right, list(_entries(value, is_call, indent + INDENT)), indent)
    if isinstance(value, list | tuple):
        left, right = '[]' if isinstance(value, list) else '()'
        items = [_value(item, indent + INDENT) for item in value]
        if len(items) == 1 and left == '(':
            return f'({items[0]},)'
        return _joined(left, right, items, indent)
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return without_templates(repr(value))


def _entries(tree: Mapping[Any, Any], is_call: bool, indent: str) -> Iterator[str]:
    """Yield the entries of a dict, as arguments of a call or as keys and values."""
    for key, value in sorted(tree.items(), key=lambda item: str(item[0])):
        head = f'{key}=' if is_call else f'{_value(key, indent)}: '
        yield head + _value(value, indent)


def _joined(left: str, right: str, items: list[str], indent: str) -> str:
    line = f'{left}{", ".join(items)}{right}'
    if len(line) <= SHORT and '\n' not in line:
        return line
    inner = f',\n{indent}{INDENT}'.join(items)
    return f'{left}\n{indent}{INDENT}{inner},\n{indent}{right}'


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier() and not keyword.iskeyword(key)
