"""Write down what `cpose print-config` shows of some configs: python tests/golden/regenerate.py."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from cpose.cli.main import main

FOLDER = Path(__file__).parent
COMMAND = f'python {FOLDER.parent.name}/{FOLDER.name}/{Path(__file__).name}'
TAO = ('--cfg-options', "presets=['_base_/compat/tao.py']")
CASES = {
    'fan_small_bike': ('fan_small_bike',),
    'dla34_cup': ('dla34_cup',),
    'dla34_cup_tao': ('dla34_cup', *TAO),
    'quickstart': ('quickstart',),
    'mobilenetv4_small_cuboid': ('mobilenetv4_small_cuboid',),
    'efficientnet_lite0_cuboid': ('efficientnet_lite0_cuboid',),
    'dla34_track_cuboid': ('dla34_track_cuboid',),
}
"""Arguments of the command by the name of the file."""


def printed_values(*arguments):
    """Return the top-level keys that the command prints."""
    out = StringIO()
    with redirect_stdout(out):
        code = main(['print-config', *arguments])
    assert code == 0
    values = {}
    exec(compile(out.getvalue(), 'print-config', 'exec'), {'__builtins__': {'dict': dict}}, values)
    return values


def resolved_lines(*arguments):
    """Return one line for each value: its dotted key and what it is."""
    return value_lines(printed_values(*arguments))


def value_lines(tree):
    """Return one line for each value of a tree, sorted."""
    return sorted(_lines(tree, ''))


def _lines(node, path):
    is_table = isinstance(node, list | tuple) and any(isinstance(item, dict) for item in node)
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _lines(value, f'{path}.{key}' if path else key)
    elif is_table:
        for number, value in enumerate(node):
            yield from _lines(value, f'{path}.{number}')
    else:
        yield f'{path} = {node!r}'


if __name__ == '__main__':
    for name, arguments in CASES.items():
        text = '\n'.join(resolved_lines(*arguments))
        (FOLDER / f'{name}.txt').write_text(f'{text}\n', encoding='utf-8')
