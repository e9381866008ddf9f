"""Run one task of a spec, with all that tasks have in common."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from cpose.encryption.key import use_key
from cpose.tao.devices import use_gpus
from cpose.tao.experiment_file import write_experiment
from cpose.tao.readings import warn_of_readings
from cpose.tao.spec_file import TaoSpec
from cpose.tao.spec_words import errors_in_spec_words
from cpose.tao.status import job_status, process_rank

Runner = Callable[[TaoSpec, str], Any]


def run_task(task: str, spec: TaoSpec, launcher: str = 'none') -> Any:
    """Run a task and return what its function returns.

    Writes ``experiment.yaml``, the resolved spec, and ``status.json`` to the folder of the results.

    Args:
        task: One of `TASKS`.
        spec: The spec, checked for this task.
        launcher: 'none', or 'pytorch' in a process that torchrun started.

    Raises:
        UserError: If the spec, the data, a model or an output is wrong.
        TrainingInterruptedError: After a signal while training; a checkpoint is saved.
    """
    warn_of_readings(spec, task)
    folder = spec.results_dir(task)
    run: Runner = getattr(import_module(f'cpose.tao.tasks.{task}'), f'run_{task}')
    with (
        use_key(spec.values.encryption_key),
        job_status(folder, task),
        errors_in_spec_words(spec, task),
    ):
        use_gpus(spec, task)
        if process_rank() == 0:
            write_experiment(spec, folder)
        return run(spec, launcher)
