"""A picture of an evaluation: precision over recall, and over the thresholds of each metric."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FormatStrFormatter, MaxNLocator

from cpose.evaluation.metric_spec import MetricSpec
from cpose.evaluation.metric_table import metrics_of_report
from cpose.files.atomic import write_atomic
from cpose.files.outputs import MARK

INK, FAINT, GRID = '#22303c', '#7b8794', '#e4e8ec'
ACCENT = '#0b6fb8'
RECALL_COLORS = ('#7db8e0', '#0b6fb8', '#0a3559')
CATEGORY_COLORS = (
    '#e07b39',
    '#3a9d6e',
    '#b5539c',
    '#c9a227',
    '#5f6caf',
    '#c0484d',
    '#4fb0b5',
    '#8a6d4b',
    '#6b8e23',
)

COLUMNS = 4
PANEL_WH = (3.5, 3.6)
"""Inches."""

LEGEND_COLUMNS = 10
DPI = 150
TOP = 1.02
"""Upper end of the axes; average precision exceeds 1 by rules that count duplicates."""


def plot_curves(report: Mapping[str, Any], path: str | Path, title: str = '') -> None:
    """Draw a report, see ``cpose.evaluation.score_report.build_report``.

    The first panel shows precision over recall; the others the average precision over the
    thresholds of a metric, with the reported number marked. With several categories, thin lines
    show each.

    Args:
        report: Report as built, or read from ``metrics.json``.
        path: File to write, its ending is the format (``.png``, ``.pdf``, ``.svg``), without one
            PNG; missing folders are created.
        title: Heading; the number of images and objects is added.

    Raises:
        OutputError: If the file cannot be written.
    """
    spacing = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12, wspace=0.03, hspace=0.04)
    metrics = [metric for metric in metrics_of_report(report) if metric.thresholds]
    num_rows = -(-(1 + len(metrics)) // COLUMNS)
    size = (PANEL_WH[0] * COLUMNS, PANEL_WH[1] * num_rows)
    figure = Figure(figsize=size, layout=spacing, facecolor='white')
    FigureCanvasAgg(figure)
    panels = figure.subplots(num_rows, COLUMNS).ravel()
    _draw_recall(panels[0], report['precision_recall'])
    categories = report.get('per_category', {})
    shown = categories if len(categories) > 1 else {}
    for panel, metric in zip(panels[1:], metrics, strict=False):
        _draw_thresholds(panel, metric, report['curves'][metric.key], shown)
    for panel in panels[1 + len(metrics) :]:
        panel.set_visible(False)
    heading = title or 'Average precision'
    counts = f'{report["num_images"]} images, {report["num_objects"]} objects'
    figure.suptitle(
        f'{heading}   ·   {counts}',
        x=0.012,
        ha='left',
        fontsize=14,
        color=INK,
        weight='bold',
        parse_math=False,
    )
    if shown:
        _add_legend(figure, panels[1])
    _save(figure, Path(path))


def _draw_recall(panel: Axes, curves: Mapping[str, Sequence[float | None]]) -> None:
    _style(panel, 'Precision over recall', 'recall')
    panel.set_xlim(0, 1)
    names = [name for name in curves if name != 'recall']
    for name, color in zip(names, RECALL_COLORS, strict=False):
        panel.plot(
            _known(curves['recall']),
            _known(curves[name]),
            color=color,
            linewidth=2,
            label=f'3D IoU ≥ {name}',
            drawstyle='steps-pre',
        )
    panel.legend(loc='lower left', frameon=False, fontsize=9, labelcolor=INK, handlelength=1.4)


def _draw_thresholds(
    panel: Axes,
    metric: MetricSpec,
    curve: Mapping[str, Sequence[float | None]],
    categories: Mapping[str, Mapping[str, Any]],
) -> None:
    bound = 'at least' if metric.larger_is_better else 'at most'
    _style(panel, metric.title, f'{bound}, {metric.unit}' if metric.unit else bound)
    thresholds, precision = _known(curve['thresholds']), _known(curve['ap'])
    panel.set_xlim(thresholds[0], thresholds[-1])
    for number, (name, report) in enumerate(categories.items()):
        color = CATEGORY_COLORS[number % len(CATEGORY_COLORS)]
        values = _known(report['curves'][metric.key]['ap'])
        panel.plot(thresholds, values, color=color, linewidth=1, alpha=0.9, label=name)
    if not categories:
        panel.fill_between(thresholds, precision, color=ACCENT, alpha=0.10, linewidth=0)
    label = 'mean' if categories else None
    panel.plot(thresholds, precision, color=ACCENT, linewidth=2.2, label=label, zorder=3)
    panel.set_ylim(0, max([TOP, *(value + 0.02 for value in precision if value == value)]))
    if metric.marked_threshold is not None:
        _mark(panel, thresholds, precision, metric.marked_threshold)


def _mark(
    panel: Axes, thresholds: Sequence[float], precision: Sequence[float], threshold: float
) -> None:
    """Point out the number that is reported by name."""
    place = min(range(len(thresholds)), key=lambda n: abs(thresholds[n] - threshold))
    value = precision[place]
    if value != value:
        return
    panel.plot([threshold] * 2, [0, value], color=INK, linewidth=1, linestyle=(0, (1, 2)), zorder=4)
    panel.plot(threshold, value, 'o', color='white', markeredgecolor=INK, markersize=6, zorder=5)
    is_falling = precision[-1] < precision[0]
    panel.annotate(
        f'{value:.3f}',
        (threshold, value),
        xytext=(7, 7) if is_falling or value < 0.1 else (7, -15),
        textcoords='offset points',
        color=INK,
        fontsize=10,
        weight='bold',
        zorder=6,
        path_effects=[withStroke(linewidth=3, foreground='white')],
    )


def _style(panel: Axes, title: str, axis_label: str) -> None:
    panel.set_title(title, loc='left', fontsize=11.5, color=INK, weight='bold', pad=8)
    panel.set_xlabel(axis_label, fontsize=9, color=FAINT, loc='left')
    panel.set_ylim(0, TOP)
    panel.set_yticks([0, 0.25, 0.5, 0.75, 1])
    panel.yaxis.set_major_formatter(FormatStrFormatter('%g'))
    panel.xaxis.set_major_formatter(FormatStrFormatter('%g'))
    panel.xaxis.set_major_locator(MaxNLocator(5))
    panel.tick_params(colors=FAINT, labelsize=9, length=0, pad=5)
    panel.grid(color=GRID, linewidth=0.8)
    panel.set_axisbelow(True)
    for side in ('top', 'right', 'left'):
        panel.spines[side].set_visible(False)
    panel.spines['bottom'].set_color(FAINT)


def _add_legend(figure: Figure, panel: Axes) -> None:
    handles, labels = panel.get_legend_handles_labels()
    legend = figure.legend(
        handles,
        labels,
        loc='outside lower left',
        ncols=min(len(labels), LEGEND_COLUMNS),
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
        handlelength=1.4,
        columnspacing=1.2,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _known(values: Sequence[float | None]) -> list[float]:
    return [float('nan') if value is None else value for value in values]


def _save(figure: Figure, path: Path) -> None:
    kind = path.suffix[1:].lower() or 'png'
    content = BytesIO()
    origin = {'Software' if kind == 'png' else 'Creator': MARK.decode()}
    figure.savefig(content, dpi=DPI, format=kind, metadata=origin)
    write_atomic(path, content.getvalue(), 'Choose another file')
