"""Run one task of a spec, with all that tasks have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from cpose.error_places import ConfigPlace
from cpose.errors import UserError, unwritable
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

    The encryption key is left out. Where that file is the spec that is run, it stays as it is.

    Raises:
        OutputError: If it cannot be written.
    """
    values = {**spec.values.model_dump(mode='json', by_alias=True), SECRET: ''}
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error, 'Choose another results_dir', 'results_dir') from error
    source = Path(spec.origin.path)
    if not (path.exists() and source.exists() and path.samefile(source)):
        write_text_atomic(path, yaml.safe_dump(values, sort_keys=False))
    return path


TRT = 'gen_trt_engine.tensorrt'
CALIBRATION = f'{TRT}.calibration'
ARGUMENTS = {
    'amp': 'train.precision',
    'compute_capabilities': f'{TRT}.compute_capabilities',
    'flavor': f'{TRT}.flavor',
    'input_wh': 'export.input_width',
    'keep_float': f'{TRT}.layers_precision',
    'max_batch': f'{TRT}.max_batch_size',
    'min_batch': f'{TRT}.min_batch_size',
    'opset': 'export.opset_version',
    'opt_batch': f'{TRT}.opt_batch_size',
    'out': 'results_dir',
    'precision': f'{TRT}.data_type',
    'timing_cache': 'gen_trt_engine.timing_cache',
    'work_dir': 'results_dir',
}
"""Arguments of functions to keys of the spec, for all tasks."""
TRAIN_ARGUMENTS = {
    'batch_size': 'dataset.batch_size',
    'checkpoint': 'train.pretrained_model_path',
}
"""Those of a training."""
EVALUATE_ARGUMENTS = {
    'batch_size': 'evaluate.batch_size',
    'checkpoint': 'evaluate.checkpoint',
}
"""Those of an evaluation."""
INFERENCE_ARGUMENTS = {
    'batch_size': 'inference.batch_size',
    'camera': 'inference.focal_length_x',
    'checkpoint': 'inference.checkpoint',
    'inputs': 'dataset.inference_data',
}
"""Those of an inference; the camera by its first number."""
ENGINE_ARGUMENTS = {
    'model': 'gen_trt_engine.onnx_file',
    'out': 'gen_trt_engine.trt_engine',
    'batch_size': f'{CALIBRATION}.cal_batch_size',
    'cache': f'{CALIBRATION}.cal_cache_file',
    'folders': f'{CALIBRATION}.cal_image_dir',
    'num_batches': f'{CALIBRATION}.cal_batches',
}
"""Those of an engine; the batch size is that of calibration, another than that of the task."""
EXPORT_ARGUMENTS = {
    'batch_size': 'export.batch_size',
    'checkpoint': 'export.checkpoint',
    'out': 'export.onnx_file',
}
"""Those of an export."""
SEARCH_ARGUMENTS = {
    name: f'automl.{name}' for name in ('algorithm', 'metric', 'storage', 'study_name')
}
"""Those of a search."""
OWN_ARGUMENTS = {
    'train': TRAIN_ARGUMENTS,
    'evaluate': EVALUATE_ARGUMENTS,
    'inference': INFERENCE_ARGUMENTS,
    'gen_trt_engine': ENGINE_ARGUMENTS,
    'export': EXPORT_ARGUMENTS,
    'automl': SEARCH_ARGUMENTS,
}
CONFIG_KEYS = {
    'model.backbone.pretrained_path': 'model.backbone.pretrained_backbone_path',
    'train_dataloader.batch_size': 'dataset.batch_size',
}
"""Keys of configs to keys of the spec."""
CONFIG_ARGUMENTS = {'test_dataloader.batch_size': 'batch_size'}
"""Keys of configs to arguments, whose keys depend on the task."""
HABITS = {'resume': 'the same command'}
"""What a task has in place of an argument."""


@contextmanager
def errors_name_spec_keys(spec: TaoSpec, task: str) -> Iterator[None]:
    """Let errors of the user name file and line of the key of the spec that they are about.

    Args:
        spec: The spec that is run.
        task: What is run of it.
    """
    try:
        yield
    except UserError as error:
        tell_spec_keys(error, spec, task)
        raise


def tell_spec_keys(error: UserError, spec: TaoSpec, task: str) -> None:
    """Give an error the place in the spec, and the names of the spec for its advice."""
    names = {**ARGUMENTS, **OWN_ARGUMENTS.get(task, {})}
    of_task = {key: names[name] for key, name in CONFIG_ARGUMENTS.items() if name in names}
    known = {**CONFIG_KEYS, **of_task}
    keys = error.place.keys if isinstance(error.place, ConfigPlace) else ()
    key = next((known[item] for item in keys if item in known), None)
    if error.place is None and error.argument in names:
        key = names[error.argument]
    if error.names is None:
        error.names = {**names, **HABITS}
    if key is not None:
        error.place = spec.origin.at(key)


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
            write_experiment(spec, folder)
        return run(spec, launcher)
