"""Reports for people and for programs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from cpose.evaluation.metric_spec import list_numbers
from cpose.evaluation.metric_table import COUNTS, PRIMARY_NUMBER, metrics_of_report
from cpose.files.json_files import write_json

TABLE_WIDTH = 64
"""Characters for the numbers of categories; names of categories have the rest of 80."""

NARROW = 12
"""Most characters in the name of a number that may share a table with many others."""


@dataclass(frozen=True)
class _Row:
    """A number of a report as it is shown.

    Attributes:
        key: Its name.
        meaning: What it is.
        direction: Arrow towards better, empty for counts.
        digits: Decimals.
        kind: Rows of a kind stand together.
    """

    key: str
    meaning: str
    direction: str
    digits: int
    kind: str

    def cell(self, numbers: Mapping[str, Any]) -> str:
        """Return the value in a report, or of a category, as text."""
        value = numbers.get(self.key)
        return '–' if value is None or not math.isfinite(value) else f'{value:.{self.digits}f}'


def build_table(report: Mapping[str, Any], title: str = 'Evaluation') -> RenderableType:
    """Lay out a report, see `build_report`, within 80 columns.

    Several categories have a row each, in a few tables below one another; the last row holds the
    means and the sum of the objects. Brackets in the title, such as those of a path, stay as they
    are.
    """
    rows = _table_rows(report)
    categories = report.get('per_category', {})
    if len(categories) > 1:
        return _category_tables(report, rows, categories, title)
    table = Table(title=escape(title), title_justify='left', header_style='bold')
    table.add_column('metric', no_wrap=True)
    table.add_column('', no_wrap=True)
    table.add_column('value', justify='right', style='bold', no_wrap=True)
    table.add_column('meaning', style='dim')
    for row, before in zip(rows, [rows[0], *rows], strict=False):
        if row.kind != before.kind:
            table.add_section()
        table.add_row(row.key, row.direction, row.cell(report), row.meaning)
    return table


def build_track_table(report: Mapping[str, Any]) -> RenderableType:
    """Lay out what a tracker changes: numbers of single frames beside those of the tracks."""
    table = Table(box=SIMPLE, title='What the tracker changes', title_justify='left')
    table.add_column('metric')
    table.add_column('')
    for name in ('single frames', 'tracks'):
        table.add_column(name, justify='right')
    for row in _table_rows(report):
        if row.kind != 'count' and row.cell(report) != '–':
            single = row.cell(report['single_frames'])
            table.add_row(row.key, row.direction, single, row.cell(report))
    return table


def _table_rows(report: Mapping[str, Any]) -> list[_Row]:
    rows = []
    for metric, number in list_numbers(metrics_of_report(report)):
        kind = 'precision' if number.is_precision else 'mean'
        if number.by_tao_rules or number.key == PRIMARY_NUMBER:
            kind = 'primary'
        arrow = '↑' if metric.is_larger_better(number) else '↓'
        rows.append(_Row(number.key, number.meaning, arrow, number.digits, kind))
    return [*rows, *(_Row(key, meaning, '', 0, 'count') for key, meaning in COUNTS.items())]


def _category_tables(
    report: Mapping[str, Any],
    rows: Sequence[_Row],
    categories: Mapping[str, Mapping[str, Any]],
    title: str,
) -> Group:
    *shown, images, objects = rows
    heading = f'{escape(title)}, {images.cell(report)} images'
    tables = []
    for columns in _columns_of_tables([*shown, objects]):
        table = Table(box=SIMPLE, header_style='bold', title=heading, title_justify='left')
        table.add_column('category', overflow='fold')
        for column in columns:
            table.add_column(f'{column.key}\n{column.direction}', justify='right', no_wrap=True)
        for category, numbers in categories.items():
            table.add_row(escape(category), *(column.cell(numbers) for column in columns))
        table.add_section()
        table.add_row('all', *(column.cell(report) for column in columns), style='bold')
        tables.append(table)
        heading = ''
    return Group(*tables)


def _columns_of_tables(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Share out numbers to tables of a width: average precisions first, then narrow columns."""
    ordered = sorted(rows, key=lambda row: (_is_mean(row), _is_mean(row) and len(row.key) > NARROW))
    tables: list[list[_Row]] = []
    for row in ordered:
        width = sum(len(other.key) + 3 for other in (*(tables[-1] if tables else ()), row))
        if not tables or width > TABLE_WIDTH or _is_mean(row) != _is_mean(tables[-1][0]):
            tables.append([])
        tables[-1].append(row)
    return tables


def _is_mean(row: _Row) -> bool:
    return row.kind in ('mean', 'count')


def write_metrics_json(path: str | Path, report: Mapping[str, Any]) -> None:
    """Write a report as ``metrics.json``; what could not be computed is null.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_json(path, dict(report))
