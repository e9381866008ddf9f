"""The report of an evaluation as TAO lays it out."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cpose.files.atomic import write_text_atomic

MEANS = {
    'Mean Error Scale': 'mean_scale_error',
    'Mean Error 2D': 'MPE_2D',
    'Mean 3D IoU': 'mean_3DIoU',
    'Mean Azimuth Error': 'mean_azimuth_deg',
    'Mean Polar Error': 'mean_polar_deg',
}
CURVES = {
    'Scale': 'scale',
    '3D IoU': 'iou',
    '2D Pixel': 'pixel',
    'Azimuth': 'azimuth',
    'Polar': 'polar',
    'ADD': 'add',
    'ADDS': 'adds',
}
"""Labels of the rows to names in our report."""


def write_reports(folder: Path, report: Mapping[str, Any], tao_report: Mapping[str, Any]) -> None:
    """Write ``report.txt`` and ``log_eval_<time>.txt``.

    Args:
        folder: Where to write.
        report: Numbers by the rules of this project.
        tao_report: The same by the rules of TAO.

    Raises:
        OutputError: If a file cannot be written.
    """
    write_text_atomic(folder / 'report.txt', report_text(report, tao_report))
    stamp = time.strftime('%Y%m%d-%H%M%S')
    write_text_atomic(folder / f'log_eval_{stamp}.txt', log_text(report, tao_report))


def report_text(report: Mapping[str, Any], tao_report: Mapping[str, Any]) -> str:
    """Return two tables of means and average precision over thresholds."""
    return (
        f'By the rules of TAO:\n{_table(tao_report)}\n\n'
        f'One-to-one, all scores, see docs/differences.md:\n{_table(report)}\n'
    )


def log_text(report: Mapping[str, Any], tao_report: Mapping[str, Any]) -> str:
    """Return the two numbers that TAO tells of an evaluation, and ours beside them."""
    return (
        f'3D IoU (AP at 0.5, rules of TAO): {tao_report["AP50_3DIoU"]:.5f}\n'
        f'2D MPE (rules of TAO): {tao_report["MPE_2D"]:.5f}\n'
        f'AP50_3DIoU: {report["AP50_3DIoU"]:.5f}\n'
        f'MPE_2D: {report["MPE_2D"]:.5f}\n'
    )


def _table(report: Mapping[str, Any]) -> str:
    rows = [[label, _number(report[name])] for label, name in MEANS.items()]
    for label, name in CURVES.items():
        curve = report['curves'][name]
        rows.append([f'{label} Threshold', *map(_number, curve['thresholds'])])
        rows.append([f'AP @ {label}', *map(_number, curve['ap'])])
    return psql_table(rows)


def psql_table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of text as the ``psql`` program does, without a header."""
    count = max(len(row) for row in rows)
    filled = [[*row, *[''] * (count - len(row))] for row in rows]
    widths = [max(len(row[column]) for row in filled) for column in range(count)]
    line = '+'.join('-' * (width + 2) for width in widths)
    body = [
        ' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in filled
    ]
    return '\n'.join([f'+{line}+', *(f'| {text} |' for text in body), f'+{line}+'])


def _number(value: float) -> str:
    return f'{value:.4f}'
