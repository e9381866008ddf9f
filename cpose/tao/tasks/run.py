"""Run one task of a spec, with all that tasks have in common."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from cpose.errors import OutputError, UserError, plain_message
from cpose.files.atomic import write_text_atomic
from cpose.files.encryption_key import use_key
from cpose.tao import SECRET
from cpose.tao.jobs.processes import use_gpus
from cpose.tao.jobs.status import job_status, process_rank
from cpose.tao.spec.readings import warn_of_readings
from cpose.tao.spec.spec_file import TaoSpec

NAME = 'experiment.yaml'


def write_experiment(spec: TaoSpec, folder: Path) -> Path:
    """Write all values, defaults included, so that the file is a spec again; return its path.

    The encryption key is left out.

    Raises:
        OutputError: If it cannot be written.
    """
    values = {**spec.values.model_dump(mode='json', by_alias=True), SECRET: ''}
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f'{folder} cannot be made: {error.strerror}. Choose another results_dir.'
        ) from error
    write_text_atomic(path, yaml.safe_dump(values, sort_keys=False))
    return path


TRT = 'gen_trt_engine.tensorrt'
KEYS = {
    '--batch-size, or the config key test_dataloader.batch_size': '{task}.batch_size',
    '--work-dir': 'results_dir',
    '--amp': 'train.precision',
    'model.backbone.pretrained_path': 'model.backbone.pretrained_backbone_path',
    '--opset': 'export.opset_version',
    '--width': 'export.input_width',
    '--height': 'export.input_height',
    '--min-batch': f'{TRT}.min_batch_size',
    '--opt-batch': f'{TRT}.opt_batch_size',
    '--max-batch': f'{TRT}.max_batch_size',
    '--precision': f'{TRT}.data_type',
    '--flavor': f'{TRT}.flavor',
    '--compute-capability': f'{TRT}.compute_capabilities',
    '--keep-float': f'{TRT}.layers_precision',
    '--timing-cache': 'gen_trt_engine.timing_cache',
    '--data': f'{TRT}.calibration.cal_image_dir',
    '--calib-batches': f'{TRT}.calibration.cal_batches',
    '--calib-batch-size': f'{TRT}.calibration.cal_batch_size',
    '--calib-cache': f'{TRT}.calibration.cal_cache_file',
}
"""Options of other commands, and keys of configs, to keys of the spec; of the section of the task
where they say ``{task}``."""
PHRASES = {
    'another one with --out': 'another results_dir',
    'overwrite it with --force': 'remove it',
    'continue with --resume': 'start the same command again',
}
"""What to do, where a task has no option for it."""
FOREIGN = re.compile(f'(?:{"|".join(map(re.escape, {**PHRASES, **KEYS}))})(?![\\w-])')


@contextmanager
def errors_in_spec_words(spec: TaoSpec, task: str) -> Iterator[None]:
    """Raise errors of the user again with file and line of the first key that they are about.

    Args:
        spec: The spec that is run.
        task: What is run of it.
    """
    try:
        yield
    except UserError as error:
        text = plain_message(error)
        words = {name: key.format(task=task) for name, key in {**PHRASES, **KEYS}.items()}
        keys = [words[name] for name in FOREIGN.findall(text) if name in KEYS]
        if not FOREIGN.search(text):
            raise
        place = f'{spec.origin.place(keys[0])}: ' if keys else ''
        replaced = FOREIGN.sub(lambda found: words[found[0]], text)
        raise type(error)(f'{place}{replaced}') from error


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
