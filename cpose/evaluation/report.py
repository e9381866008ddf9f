"""Reports for people and for programs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from cpose.files.json_files import write_json

MEANINGS = {
    'AP50_3DIoU': 'AP at 3D IoU ≥ 0.5',
    'AP50_3DIoU_tao': 'AP at 3D IoU ≥ 0.5 by the rules of TAO',
    'AP_azimuth15': 'AP at azimuth error ≤ 15°',
    'AP_polar10': 'AP at polar (elevation) error ≤ 10°',
    'mean_3DIoU': 'mean 3D IoU of matched predictions',
    'MPE_2D': 'mean corner error, share of image sides',
    'MPE_2D_px': 'mean corner error, pixels',
    'mean_azimuth_deg': 'mean azimuth error, degrees',
    'mean_polar_deg': 'mean polar error, degrees',
    'mean_scale_error': 'relative size error, sum of x, y, z',
    'ADD': 'mean keypoint distance, metres',
    'ADDS': 'mean nearest keypoint distance, metres',
    'num_images': 'images',
    'num_objects': 'objects that count',
}
"""What each number means, in the order of the table."""

BETTER_WHEN_LARGE = frozenset(
    {'AP50_3DIoU', 'AP50_3DIoU_tao', 'AP_azimuth15', 'AP_polar10', 'mean_3DIoU'}
)
TWO_DIGITS = frozenset({'MPE_2D_px', 'mean_azimuth_deg', 'mean_polar_deg'})
COUNTS = frozenset({'num_images', 'num_objects'})

CATEGORY_TABLES = (
    ('AP50_3DIoU', 'AP50_3DIoU_tao', 'AP_azimuth15', 'AP_polar10'),
    ('mean_3DIoU', 'MPE_2D', 'MPE_2D_px', 'ADD', 'ADDS', 'num_objects'),
    ('mean_azimuth_deg', 'mean_polar_deg', 'mean_scale_error'),
)
"""Columns of the tables with a row for each category: as many as fit 80 characters."""


def build_table(report: Mapping[str, Any], title: str = 'Evaluation') -> RenderableType:
    """Lay out a report, see `build_report`, within 80 columns.

    Several categories have a row each, in a few tables below one another; the last row holds the
    means and the sum of the objects. Brackets in the title, such as those of a path, stay as they
    are.
    """
    categories = report.get('per_category', {})
    if len(categories) > 1:
        return _category_tables(report, categories, title)
    table = Table(title=escape(title), title_justify='left', header_style='bold')
    table.add_column('metric', no_wrap=True)
    table.add_column('', no_wrap=True)
    table.add_column('value', justify='right', style='bold', no_wrap=True)
    table.add_column('meaning', style='dim')
    for name, meaning in MEANINGS.items():
        if name in ('AP_azimuth15', 'mean_3DIoU', 'num_images'):
            table.add_section()
        table.add_row(name, _direction(name), _format(name, report.get(name)), meaning)
    return table


def _category_tables(
    report: Mapping[str, Any], categories: Mapping[str, Mapping[str, Any]], title: str
) -> Group:
    heading = f'{escape(title)}, {_format("num_images", report.get("num_images"))} images'
    tables = []
    for names in CATEGORY_TABLES:
        table = Table(box=SIMPLE, header_style='bold', title=heading, title_justify='left')
        table.add_column('category', overflow='fold')
        for name in names:
            table.add_column(f'{name}\n{_direction(name)}', justify='right', no_wrap=True)
        for category, numbers in categories.items():
            table.add_row(escape(category), *_cells(names, numbers))
        table.add_section()
        table.add_row('all', *_cells(names, report), style='bold')
        tables.append(table)
        heading = ''
    return Group(*tables)


def _cells(names: Sequence[str], numbers: Mapping[str, Any]) -> list[str]:
    return [_format(name, numbers.get(name)) for name in names]


def write_metrics_json(path: str | Path, report: Mapping[str, Any]) -> None:
    """Write a report as ``metrics.json``; what could not be computed is null.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_json(path, dict(report))


def _direction(name: str) -> str:
    if name in COUNTS:
        return ''
    return '↑' if name in BETTER_WHEN_LARGE else '↓'


def _format(name: str, value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return '–'
    if name in COUNTS:
        return f'{value:.0f}'
    return f'{value:.2f}' if name in TWO_DIGITS else f'{value:.4f}'
