"""The tables of a run: on the terminal, and as a page of the documentation."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.real.scoring import NUMBERS, ONLY_COMPLETE

DIGITS = {'MPE_2D_px': 1}
"""Decimals; 2 of all other numbers."""
WIDTH = 100
MEAN = 'mean of sets'
ESCAPED = '\\*'
"""A star in Markdown."""

HEAD = """\
# Real photographs

Written by `python -m benchmarks.real`, see [benchmarks/real](../benchmarks/real). It runs models
over folders of photographs with annotated cuboids and compares them. Nothing of the photographs is
part of this project; the folder `{variable}` holds them, one sub-folder per set.

- **AP@0.5** and **IoU** are those of `cpose test`: average precision at a 3D IoU of 0.5 over all
  scores, and the mean 3D IoU of matched predictions, put on the annotated ground plane. All four
  fronts of a box count as equal.
- **free**: each prediction is taken at the scale along its viewing rays that suits it best, as one
  picture does not tell how large a box is. {tries} scales between those at which the depths begin
  and cease to meet are tried, then a golden section refines the best. The IoU has one maximum, so
  this finds it, to about 1e-7 of the scale.
- **recall** is the share of all boxes, also of pictures in which nothing was found, that are shown
  at the default threshold of the model with a 3D IoU of at least 0.5.
- **px** is the mean distance of the projected corners of matched predictions, pixels.
- **false** counts predictions per picture at the default threshold that show no annotated box: the
  rectangles around the corners overlap with an IoU below 0.5, or the box has a better one already.
  Sets in which boxes in view are not annotated (marked \\*) do not enter its mean.
- **ms** is the median time from a picture in memory to its poses, one picture at a time.

Every set has one vote in the mean: pictures of one scene are much alike. The best AP and IoU are
those of the annotations themselves: less than 1 where objects of a picture do not stand on the one
ground plane that it has. The free scale does not need the plane.
"""


def print_scores(model: Mapping[str, Any], sets: Sequence[Mapping[str, Any]]) -> None:
    """Print the table of one model."""
    header, *rows = score_rows(model, sets)
    table = Table(box=SIMPLE, title=describe_model(model), title_justify='left')
    for name in header:
        table.add_column(name, justify='left' if name == header[0] else 'right')
    for row in rows:
        if row[0] == MEAN:
            table.add_section()
        table.add_row(*(cell.replace(ESCAPED, '*') for cell in row))
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table)


def score_rows(
    model: Mapping[str, Any], sets: Sequence[Mapping[str, Any]]
) -> list[tuple[str, ...]]:
    """Return heading and rows of one model: its sets, then their mean."""
    rows = [('set', 'pictures', 'boxes', *NUMBERS.values())]
    for item in sets:
        rows.append((item['name'], *_cells(model['sets'][item['name']], item['is_complete'])))
    return [*rows, (MEAN, *_cells(model['mean'], True))]


def _cells(numbers: Mapping[str, float], is_complete: bool) -> list[str]:
    counts = [f'{numbers[name]:.0f}' for name in ('num_images', 'num_objects')]
    marks = {name: ESCAPED for name in ONLY_COMPLETE if not is_complete}
    return counts + [_number(numbers[key], key) + marks.get(key, '') for key in NUMBERS]


def _number(value: float | None, key: str) -> str:
    if value is None or not math.isfinite(value):
        return '–'
    return f'{value:.{DIGITS.get(key, 2)}f}'


def describe_model(model: Mapping[str, Any]) -> str:
    """Return name, file, input and times of a model in one line."""
    sizes = ' + '.join(f'{width}×{height}' for width, height in model['sizes_wh'])
    times = ', '.join(
        f'{value:.0f} ms on {threads} thread{"s" * (threads != "1")}'
        for threads, value in model['ms'].items()
    )
    return (
        f'{model["name"]}: file of {model["megabytes"]:.1f} MB, input {sizes}, '
        f'threshold {model["threshold"]:g}{", " * bool(times)}{times}'
    )


def make_document(stored: Mapping[str, Any], variable: str, tries: int) -> str:
    """Return the page of stored figures, as `python -m benchmarks.real --json` writes them."""
    parts = [HEAD.format(variable=variable, tries=tries), '## Sets\n', _sets_table(stored['sets'])]
    if len(stored['models']) > 1:
        parts += ['## Models\n', _models_table(stored['models'])]
    for model in stored['models']:
        parts.append(f'## {model["name"]}\n')
        parts.append(textwrap.fill(f'{describe_model(model)}.', WIDTH) + '\n')
        parts.append(_markdown(score_rows(model, stored['sets'])))
    machine, load = stored['machine'], stored['foreign_cores']
    facts = f'Measured on {machine["processor"]} with {machine["cores"]} cores'
    shared = '' if load is None else f'; other processes used {load:.1f} of them meanwhile'
    parts += ['## Machine\n', textwrap.fill(f'{facts}{shared}.', WIDTH) + '\n']
    return '\n'.join(parts)


def _sets_table(sets: Sequence[Mapping[str, Any]]) -> str:
    rows = [('set', 'what', 'every box annotated', 'best AP@0.5', 'best IoU', 'origin')]
    for item in sets:
        answer = 'yes' if item['is_complete'] else 'no'
        best = [_number(item['ceiling'][key], key) for key in ('AP50_3DIoU', 'mean_3DIoU')]
        rows.append((item['name'], item['note'], answer, *best, item['origin']))
    return _markdown(rows, ('---', '---', '---', '---:', '---:', '---'))


def _models_table(models: Sequence[Mapping[str, Any]]) -> str:
    threads = list(dict.fromkeys(count for model in models for count in model['ms']))
    rows = [('model', 'MB', 'input', *NUMBERS.values(), *(f'ms, threads {n}' for n in threads))]
    for model in models:
        size = ' + '.join(f'{width}×{height}' for width, height in model['sizes_wh'])
        numbers = [_number(model['mean'][key], key) for key in NUMBERS]
        times = [f'{model["ms"][count]:.0f}' if count in model['ms'] else '–' for count in threads]
        rows.append((model['name'], f'{model["megabytes"]:.1f}', size, *numbers, *times))
    return _markdown(rows)


def _markdown(rows: Sequence[tuple[str, ...]], alignment: tuple[str, ...] = ()) -> str:
    header, *others = rows
    alignment = alignment or ('---', *['---:'] * (len(header) - 1))
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in (header, alignment, *others))
