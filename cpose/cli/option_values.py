"""Values of options, and the options that arguments of functions came from."""

import ast
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Mapping
from typing import Any

from cpose.error_places import FlagPlace
from cpose.errors import UserError
from cpose.files.outputs import note_input

DICT_CALL = 'dict('
QUOTES = ('"', "'")
BRACKETS = {'(': ')', '[': ']', '{': '}'}
BEFORE_QUOTES = ('', ',', '=', *BRACKETS)
"""What stands before quotes; elsewhere they are signs like others: ``it's``."""


def read_value(text: str) -> Any:
    """Return what an option stands for.

    Numbers, ``true``, ``false``, ``None``, literals and ``dict(type='A')`` are what they are in a
    config. Other words are text and need no quotes, in lists neither: ``[a,b]``, or ``a,b``. What
    stands in quotes is text: ``"007"``.

    Raises:
        ValueError: If brackets do not match, or what stands in a dict is no literal.
    """
    text = text.strip()
    if text.startswith((*QUOTES, *BRACKETS, DICT_CALL)):
        try:
            value = _literal(ast.parse(text, mode='eval').body)
        except (SyntaxError, ValueError, TypeError) as error:
            if text.startswith('{') or DICT_CALL in text:
                raise ValueError(f'{text} is no Python value: {error}') from error
        else:
            if isinstance(value, str) or not text.startswith(QUOTES):
                return value
    pieces = _split(text) if ',' in text else [text]
    if pieces != [text]:
        return [read_value(piece) for piece in pieces]
    if text.startswith(('(', '[')) and text.endswith(BRACKETS[text[0]]):
        values = [read_value(piece) for piece in _split(text[1:-1])]
        return tuple(values) if text.startswith('(') else values
    from mmengine.config import DictAction  # its import takes longer than the help of a command

    return DictAction._parse_int_float_bool(text)


def _split(text: str) -> list[str]:
    """Split at commas that stand neither in quotes nor in brackets; one at the end counts not."""
    pieces, closing, quote = [''], [], ''
    for char in text:
        if quote:
            quote = '' if char == quote else quote
        elif char in QUOTES and pieces[-1].rstrip()[-1:] in BEFORE_QUOTES:
            quote = char
        elif char in BRACKETS:
            closing.append(BRACKETS[char])
        elif char in BRACKETS.values() and (not closing or closing.pop() != char):
            raise ValueError(f'Imbalanced brackets exist in {text}')
        elif char == ',' and not closing:
            pieces.append('')
            continue
        pieces[-1] += char
    if closing or quote:
        raise ValueError(f'Imbalanced {"quotes" if quote else "brackets"} exist in {text}')
    return pieces if pieces[-1].strip() else pieces[:-1]


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.List):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_literal(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        keys = [ast.literal_eval(key) if key else None for key in node.keys]
        return dict(zip(keys, map(_literal, node.values), strict=True))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        if node.args or any(word.arg is None for word in node.keywords):
            raise ValueError('dict() takes keywords here')
        return {str(word.arg): _literal(word.value) for word in node.keywords}
    return ast.literal_eval(node)


def add_flags(parser: ArgumentParser, flags: Mapping[str, str]) -> None:
    """Tell by which options arguments of functions were given, see `command_flags`."""
    parser.set_defaults(flags={**(parser.get_default('flags') or {}), **flags})


def command_flags(parser: ArgumentParser, args: Namespace) -> dict[str, str]:
    """Return options and operands of the command that runs, by argument.

    An option is found by the name under which argparse stores it; a command whose functions call it
    otherwise says so by `add_flags`.

    Args:
        parser: Parser of all commands.
        args: What it parsed.
    """
    names: dict[str, str] = {}
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            return command_flags(action.choices[getattr(args, action.dest)], args)
        operand = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        names[action.dest] = max(action.option_strings, key=len, default=operand)
    if 'cfg_options' in names:
        names['options'] = names['cfg_options']
    return {**names, **getattr(args, 'flags', {})}


WRITTEN = (
    *('out', 'dump', 'plot', 'work_dir', 'triton', 'folder', 'calib_cache', 'timing_cache'),
    *('json', 'html', 'fix'),
)
"""Options that name what a command writes."""
CONTINUED = ('resume',)
"""Options that name what a command reads and may write anew, since it goes on with it."""


def note_words(args: Namespace) -> None:
    """Note what the words of a command line name, so that no output replaces it."""
    for name, value in vars(args).items():
        if name not in (*WRITTEN, *CONTINUED):
            note_input(*(value if isinstance(value, list | tuple) else [value]))


def tell_flags(error: UserError, flags: dict[str, str]) -> None:
    """Let an error speak of options: of its argument, unless it has a place, and in its advice."""
    if error.names is None:
        error.names = flags
    if error.place is None and error.argument in flags:
        error.place = FlagPlace(flags[error.argument])
