"""Task ``evaluate``."""

from typing import Any

from cpose.apis.training import evaluate
from cpose.engine.processes import is_first_process
from cpose.evaluation.dump import evaluate_dump
from cpose.evaluation.report import write_metrics_json
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.tasks.eval_report import write_reports
from cpose.tao.tasks.train import STATUS_HOOK
from cpose.tao.translation.checkpoint_model import with_stored_model
from cpose.tao.translation.config_text import load_overlay
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
    folder, file = spec.results_dir('evaluate'), model_file(spec)
    config = with_stored_model(load_overlay(evaluate_overlay(spec), folder), spec, file)
    config.merge_from_dict(STATUS_HOOK)
    dump = folder / PREDICTIONS
    report = evaluate(config, file, dump=dump, work_dir=folder, launcher=launcher)
    if is_first_process():
        rules = config.test_evaluator.tao_protocol
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
