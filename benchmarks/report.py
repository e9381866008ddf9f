"""The document of all figures."""

import ast
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measure import from_record, table_cells

FOLDER = Path(__file__).parent

HEAD = """\
# Benchmarks

Written by `make bench`; every table is one script of [benchmarks](../benchmarks). A ratio says how
many times better a figure is than its reference. References marked *{same_run}* were measured
beside it, alternating where possible, and are the ones to trust; those of TAO PyTorch come from
another machine and are indicative. Times are medians of wall time unless a figure says otherwise.
How well models do on annotated photographs is another matter: `python -m benchmarks.real`.
"""
QUICK = 'Figures of a run with `--quick`: fewer runs and smaller sizes than the references have.'
SHARED_FROM = 0.2
"""Cores used by other processes from which a machine counts as shared."""
WIDTH = 100
COLUMNS = ('figure', 'here', 'reference', 'ratio', 'compared with', 'note')
ALIGNMENT = ('---', '---:', '---:', '---:', '---', '---')


def make_report(stored: Mapping[str, Any]) -> str:
    """Return the document of stored results.

    Args:
        stored: ``quick``, ``machine`` and ``results`` by script, as `run_all` stores them.
    """
    results = stored['results']
    parts = [HEAD.format(same_run='in the same run')]
    if stored['quick']:
        parts.append(QUICK + '\n')
    parts.append(describe_machine(stored['machine']))
    sharing = describe_sharing(results, stored['machine']['cores'])
    if sharing:
        parts.append(sharing)
    parts += [describe_script(name, found) for name, found in results.items()]
    return '\n'.join(parts)


def describe_machine(facts: Mapping[str, str]) -> str:
    """Return the machine and the versions as a table."""
    return '## Machine\n\n' + make_table(('fact', 'value'), ('---', '---'), list(facts.items()))


def describe_sharing(results: Mapping[str, Any], cores: str) -> str:
    """Return a warning if other processes ran meanwhile, else nothing."""
    loads = [found['foreign_cores'] or 0.0 for found in results.values()]
    if max(loads, default=0.0) < SHARED_FROM:
        return ''
    text = (
        f'**The machine was shared.** Other processes used up to {max(loads):.1f} of its {cores} '
        'cores, as each section tells, so wall times are too long, the more so with several '
        'threads. The fastest run, the processor time and the ratios *in the same run* suffer '
        'least. A run on an idle machine may replace this document.'
    )
    return textwrap.fill(text, WIDTH) + '\n'


def describe_script(name: str, found: Mapping[str, Any]) -> str:
    """Return the section of one benchmark."""
    lines = [f'## {read_title(name)}\n']
    load = found['foreign_cores']
    other = '' if load is None else f'; other processes used {load:.1f} cores'
    lines.append(f'`benchmarks/{name}.py`, {found["seconds"]:.0f} s{other}.\n')
    if 'error' in found:
        lines.append(f'Failed: `{found["error"].splitlines()[-1]}`\n')
    elif not found['figures']:
        lines.append('Left out: a package or a device that it needs is missing.\n')
    else:
        rows = [table_cells(from_record(record)) for record in found['figures']]
        lines.append(make_table(COLUMNS, ALIGNMENT, rows))
    return '\n'.join(lines)


def read_title(name: str) -> str:
    """Return the constant ``TITLE`` of a script without running it."""
    for node in ast.parse((FOLDER / f'{name}.py').read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == 'TITLE':
            return str(ast.literal_eval(node.value))
    return name


def make_table(header: tuple[str, ...], alignment: tuple[str, ...], rows: list[Any]) -> str:
    """Return a Markdown table, with a line break at the end."""
    lines = (' | '.join(cells) for cells in (header, alignment, *rows))
    return ''.join(f'| {line} |\n' for line in lines)
