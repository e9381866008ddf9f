"""Run one task of a spec, with all that tasks have in common."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from cpose.errors import unwritable
from cpose.files.atomic import write_text_atomic
from cpose.files.encryption_key import use_key
from cpose.tao import SECRET
from cpose.tao.jobs.processes import use_gpus
from cpose.tao.jobs.status import job_status, process_rank
from cpose.tao.spec.key_list import without_file_facts
from cpose.tao.spec.readings import warn_of_readings
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.tasks.spec_words import errors_name_spec_keys

NAME = 'experiment.yaml'


def write_experiment(spec: TaoSpec, folder: Path, task: str) -> Path:
    """Write all values, defaults included, so that the file is a spec again; return its path.

    The encryption key is left out, and, but for training, what a model file decides. Where that
    file is the spec that is run, it stays as it is.

    Raises:
        OutputError: If it cannot be written.
    """
    values = {**spec.values.model_dump(mode='json', by_alias=True), SECRET: ''}
    if task != 'train':
        values = without_file_facts(values, spec.origin.gives)
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error, 'Choose another results_dir', 'results_dir') from error
    source = Path(spec.origin.path)
    if not (path.exists() and source.exists() and path.samefile(source)):
        write_text_atomic(path, yaml.safe_dump(values, sort_keys=False))
    return path


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
        errors_name_spec_keys(spec, task),
    ):
        use_gpus(spec, task)
        if process_rank() == 0:
            write_experiment(spec, folder, task)
        return run(spec, launcher)
