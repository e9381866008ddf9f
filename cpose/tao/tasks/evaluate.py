"""Task ``evaluate``, and its report as TAO lays it out."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cpose.apis.config.evaluation_parts import metric_settings
from cpose.apis.training import evaluate
from cpose.engine.processes import is_first_process
from cpose.evaluation.dump import evaluate_dump
from cpose.evaluation.metric_spec import in_tao_order, list_numbers
from cpose.evaluation.metric_table import METRIC_TABLE
from cpose.evaluation.report import write_metrics_json
from cpose.files.atomic import write_text_atomic
from cpose.files.weight_files import find_weights
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.tasks.train import STATUS_HOOK
from cpose.tao.translation.file_config import config_for_file
from cpose.tao.translation.model_file import ModelFile
from cpose.tao.translation.spec_config import evaluation_overlay

PREDICTIONS = 'predictions.json'


def run_evaluate(spec: TaoSpec, launcher: str = 'none') -> dict[str, Any]:
    """Evaluate a checkpoint or an engine and return the report.

    Writes ``report.txt``, ``log_eval_<time>.txt``, ``metrics.json`` and ``predictions.json``, which
    ``cpose evaluate`` can score again.

    Args:
        spec: The spec.
        launcher: 'none', or 'pytorch' in a process that torchrun started.

    Raises:
        UserError: If the spec, the data, the model or an output is wrong.
    """
    folder, path = spec.results_dir('evaluate'), find_weights(model_file(spec))
    config = config_for_file(ModelFile(spec, 'evaluate', path), evaluate_overlay, folder)
    config.merge_from_dict(STATUS_HOOK)
    dump = folder / PREDICTIONS
    report = evaluate(config, path, dump=dump, work_dir=folder, launcher=launcher)
    if is_first_process():
        rules = metric_settings(config)['tao_protocol']
        tao_report = evaluate_dump(dump, protocol=rules, tao_protocol=rules)
        write_reports(folder, report, tao_report)
        write_metrics_json(folder / 'metrics.json', report)
    return report


def model_file(spec: TaoSpec) -> str:
    """Return the checkpoint or the engine."""
    return spec.values.evaluate.checkpoint or spec.values.evaluate.trt_engine


def evaluate_overlay(spec: TaoSpec) -> dict[str, Any]:
    """Return what the config of the evaluation sets, with the network of the spec."""
    overlay = evaluation_overlay(spec)
    if spec.values.evaluate.batch_size > 0:
        overlay['test_dataloader']['batch_size'] = spec.values.evaluate.batch_size
    return overlay


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
    means = [(number.tao, number.key) for _, number in list_numbers(METRIC_TABLE) if number.tao]
    means.sort(key=lambda item: item[0].row)
    rows = [[row.title, _number(report[key])] for row, key in means]
    for metric in in_tao_order(METRIC_TABLE):
        if metric.tao is None:
            continue
        curve = report['curves'][metric.key]
        rows.append([f'{metric.tao.title} Threshold', *map(_number, curve['thresholds'])])
        rows.append([f'AP @ {metric.tao.title}', *map(_number, curve['ap'])])
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
