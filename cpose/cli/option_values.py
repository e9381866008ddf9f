"""Values of ``KEY=VALUE`` options: words without quotes, or what a config file may hold."""

import ast
from typing import Any

from mmengine.config import DictAction

DICT_CALL = 'dict('


def read_value(text: str) -> Any:
    """Return what an option stands for.

    Numbers, ``true``, ``false``, ``None``, literals and ``dict(type='A')`` are what they are in a
    config. Other words are text and need no quotes, in lists neither: ``[a,b]``, or ``a,b``.

    Raises:
        ValueError: If brackets do not match, or what stands in a dict is no literal.
    """
    text = text.strip()
    if text.startswith(('[', '(', '{', DICT_CALL)):
        try:
            return _literal(ast.parse(text, mode='eval').body)
        except (SyntaxError, ValueError, TypeError) as error:
            if text.startswith('{') or DICT_CALL in text:
                raise ValueError(f'{text} is no Python value: {error}') from error
    elif ',' not in text:
        return DictAction._parse_int_float_bool(text.strip('\'"'))
    return DictAction._parse_iterable(text)


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
