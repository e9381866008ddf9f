"""Train and test by config: what the commands of these names do."""

import errno
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.runner import Runner

from cpose.apis.builder import resolve_config
from cpose.apis.config.check import check_config
from cpose.apis.config.evaluation_parts import find_metric_config, set_data_root
from cpose.apis.config.load import load_config
from cpose.apis.runtime_files import find_runtime, runtime_model
from cpose.building import building
from cpose.checkpoints.checkpoint_file import find_resume_checkpoint
from cpose.checkpoints.stored_config import without_pretrained
from cpose.engine.pose_runner import PoseRunner
from cpose.engine.processes import is_started_first
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError, OutputError, nearest_names, unwritable
from cpose.files.atomic import try_folder
from cpose.files.json_files import check_writable
from cpose.files.outputs import check_output, folder_held, note_input, outputs_guarded
from cpose.files.text_files import check_name
from cpose.files.weight_files import find_weights
from cpose.registry import HOOKS, RUNNERS

WORK_DIRS = Path('work_dirs')
SCOPE = 'cpose'
TRAINING_KEYS = ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler')
VALIDATION_KEYS = ('val_dataloader', 'val_cfg', 'val_evaluator')
TEST_KEYS = ('test_dataloader', 'test_cfg', 'test_evaluator')
WRITTEN_CHECKPOINT = re.compile(r'(epoch|iter|best)_')
NO_ROOM = {
    errno.ENOSPC: 'is on a full disk',
    errno.EDQUOT: 'is on a full disk',
    errno.EFBIG: 'has a file as large as the disk or the system allows',
}


@outputs_guarded()
def train(
    config: str | Path | Config,
    work_dir: str | Path | None = None,
    resume: str | Path | None = None,
    amp: str | None = None,
    launcher: str = 'none',
    options: Mapping[str, Any] | None = None,
) -> PoseRunner:
    """Train a model.

    Args:
        config: See `cpose.apis.config.load.find_config`.
        work_dir: Folder of checkpoints and logs; default: ``work_dirs/<name of the config>``.
        resume: 'auto' continues from the newest complete checkpoint in ``work_dir``, if there is
            one; or the checkpoint to continue from.
        amp: 'bf16' or 'fp16' for mixed precision.
        launcher: 'none', 'pytorch' (torchrun) or 'slurm'.
        options: Overrides by dotted key.

    Returns:
        The runner after training; ``runner.last_checkpoint`` is what it wrote last.

    Raises:
        UserError: If the config, the data, a checkpoint or an output is wrong.
        TrainingInterruptedError: After a signal; a checkpoint is saved.
    """
    loaded = load_config(config, options)
    _set_work_dir(loaded, work_dir, '')
    check_name(loaded.work_dir)
    loaded.launcher = launcher
    if amp is not None and loaded.get('optim_wrapper') is not None:
        loaded.optim_wrapper.update({'type': 'MixedPrecisionOptimWrapper', 'dtype': amp})
    if resume is not None:
        _set_resume(loaded, resume)
    check_config(loaded, ('model', *TRAINING_KEYS[:3]))
    if not loaded.get('resume'):
        note_input(loaded.get('load_from'))
        _refuse_replacing_start(loaded)
    with _held(loaded), _running(loaded) as runner:
        runner.train()
    return runner


@outputs_guarded()
def evaluate(
    config: str | Path | Config,
    checkpoint: str | Path,
    data_root: str | Path | None = None,
    dump: str | Path | None = None,
    work_dir: str | Path | None = None,
    launcher: str = 'none',
    options: Mapping[str, Any] | None = None,
    scales: Sequence[float] | None = None,
    track: bool = False,
) -> dict[str, Any]:
    """Evaluate a model.

    Args:
        config: See `cpose.apis.config.load.find_config`; '-' takes it from the checkpoint.
        checkpoint: Weights of any known family, an ONNX file or an engine.
        data_root: Folder of annotated images in place of the config's.
        dump: Where to write predictions and annotations, see `cpose.evaluation.dump.write_dump`.
        work_dir: Folder of logs; default: ``work_dirs/<name of the config>/test``.
        launcher: 'none', 'pytorch' (torchrun) or 'slurm'.
        options: Overrides by dotted key.
        scales: Factors of the network input; each image is seen at all these sizes.
        track: Whether the images are frames of videos, in which the tracker of the config, or
            `PoseTracker`, follows the objects; see `TrackMetric`.

    Returns:
        The report, see `cpose.evaluation.score_report.build_report`; with several processes only
        the first one has it, the others have the single numbers.

    Raises:
        UserError: If the config, the data, the checkpoint or an output is wrong.
    """
    checkpoint = find_weights(checkpoint)
    note_input(checkpoint, data_root)
    loaded = resolve_config(config, checkpoint, options=options)
    _set_work_dir(loaded, work_dir, 'test', default=Path(checkpoint).stem)
    loaded.launcher = launcher
    loaded.resume = False
    for key in (*TRAINING_KEYS, *VALIDATION_KEYS):
        loaded.pop(key, None)
    if data_root is not None:
        set_data_root(loaded, data_root)
    if scales is not None:
        fp16 = (loaded.get('test_cfg') or {}).get('fp16', False)
        loaded.test_cfg = {'type': 'PyramidTestLoop', 'scales': list(scales), 'fp16': fp16}
    if track:
        metric = find_metric_config(loaded, 'Leave out {track}')
        metric['type'] = 'TrackMetric'
        metric['tracker'] = loaded.get('tracker') or {'type': 'PoseTracker'}
        loop = loaded.get('test_cfg') or {}
        if loop.get('type', 'TestLoop') == 'TestLoop':
            same = {'tracker': metric['tracker'], 'fps': metric.get('fps', 30.0)}
            loaded.test_cfg = {**loop, 'type': 'VideoTestLoop', **same}
    check_config(loaded, ('model', *TEST_KEYS))
    _leave_out_averaging(loaded)
    _set_model_file(loaded, checkpoint)
    if dump is not None:
        check_writable(dump)
        find_metric_config(loaded, 'Leave out {dump}').dump_file = str(dump)
    with _running(loaded) as runner:
        if hasattr(runner.model, 'runtime'):
            runner.logger.info(runner.model.runtime.describe())
        numbers = runner.test()
    reports = [getattr(metric, 'report', None) for metric in runner.test_evaluator.metrics]
    return next((report for report in reports if report), numbers)


def _set_work_dir(config: Config, work_dir: Any, folder: str, default: str = 'run') -> None:
    """Choose and create the folder of outputs.

    Raises:
        OutputError: If it cannot be created or written to.
    """
    name = Path(config.filename).stem if config.filename else default
    path = Path(work_dir or config.get('work_dir') or WORK_DIRS / name)
    if folder and work_dir is None:
        path = path / folder
    try:
        try_folder(path)
    except OSError as error:
        raise unwritable(path, error, 'Choose another {work_dir}', 'work_dir') from error
    config.work_dir = str(path)


def _held(config: Config) -> AbstractContextManager[None]:
    """Hold the work dir; of several processes the first one does."""
    is_first = config.launcher == 'none' or is_started_first()
    return folder_held(config.work_dir) if is_first else nullcontext()


def _refuse_replacing_start(config: Config) -> None:
    """Refuse to train in a folder whose checkpoint the training starts from, and would replace.

    Raises:
        OutputError: If it has the name of a checkpoint that a training writes.
    """
    start = Path(str(config.get('load_from') or ''))
    if start.is_file() and WRITTEN_CHECKPOINT.match(start.name):
        check_output(Path(config.work_dir, start.name), 'work_dir')


def _leave_out_averaging(config: Config) -> None:
    """Remove the hooks that average weights: a file to test has the averages, or no weights."""
    hooks = config.get('custom_hooks') or ()
    names = [name for name in (hook.get('type') for hook in hooks) if name]
    averaging = {name for name in names if issubclass(HOOKS.get(name), EMAHook)}
    config.custom_hooks = [hook for hook in hooks if hook.get('type') not in averaging]


def _set_model_file(config: Config, path: str | Path) -> None:
    """Set the checkpoint to load, or put the model of a runtime in the place of the network."""
    runtime = find_runtime(config, path)
    if runtime is None:
        config.load_from = str(path)
        config.model = without_pretrained(config.model.to_dict())
        return
    config.load_from = None
    config.model = runtime_model(config, path, runtime)
    check_config(config)


def _set_resume(config: Config, resume: str | Path) -> None:
    """Set the checkpoint to continue from.

    Raises:
        CheckpointError: If the named one is no file.
    """
    if str(resume) != 'auto':
        if not Path(resume).is_file():
            raise CheckpointError(
                'is a folder' if Path(resume).is_dir() else 'does not exist',
                argument='resume',
                place=FilePlace(resume),
                advice=(
                    'Give another file',
                    f'Take the newest in {config.work_dir} by {{resume}} alone',
                ),
            )
        config.load_from, config.resume = str(resume), True
        return
    newest = find_resume_checkpoint(config.work_dir)
    config.resume = newest is not None
    if newest is not None:
        config.load_from = str(newest)


@contextmanager
def _running(config: Config) -> Iterator[PoseRunner]:
    """Build a runner and let go of terminal and signals in the end.

    Raises:
        OutputError: If the disk is full or the folder of outputs is gone.
    """
    config.setdefault('runner_type', 'PoseRunner')
    _check_runner(config.runner_type)
    _check_scope(config)
    runner = None
    try:
        with building(config):
            runner = RUNNERS.build(config)
            yield runner
    except OSError as error:
        known = None if isinstance(error, OutputError) else _lost_outputs(error, config, runner)
        if known is None:
            raise
        raise known from error
    finally:
        for hook in runner.hooks if runner is not None else ():
            if hasattr(hook, 'close'):
                hook.close()


def _check_runner(name: Any) -> None:
    """Refuse what is no runner, and those of another build, such as `FlexibleRunner`.

    Raises:
        ConfigError: If it is one.
    """
    kind = RUNNERS.get(name) if isinstance(name, str) else name
    if not isinstance(kind, type):
        raise ConfigError(
            'is no registered runner',
            argument='runner_type',
            value=name,
            advice=nearest_names(str(name), RUNNERS.module_dict),
        )
    if not issubclass(kind, Runner):
        raise ConfigError(
            'keeps model, optimizer and checkpoints in a strategy, where loops and hooks of this '
            'project do not find them',
            argument='runner_type',
            value=kind.__name__,
            advice='Set PoseRunner, Runner, or a class that inherits one of them',
        )


def _check_scope(config: Config) -> None:
    """Refuse a scope from which the parts of this project are not found.

    Raises:
        ConfigError: If the config has one.
    """
    scope = config.get('default_scope') or SCOPE
    if scope != SCOPE:
        raise ConfigError(
            'is a scope in which no part of this project is found',
            argument='default_scope',
            value=scope,
            advice=f'Leave it {SCOPE!r}, and name parts of another package with its scope',
        )


def _lost_outputs(error: OSError, config: Config, runner: PoseRunner | None) -> OutputError | None:
    """Return the error of the user for outputs that cannot be written any more, None for others."""
    if error.errno in NO_ROOM:
        problem = f'{NO_ROOM[error.errno]}; checkpoints written before are intact'
        advice = 'Make room'
    elif runner is not None and not Path(runner.log_dir).is_dir():
        problem, advice = 'was removed or renamed during the run', 'Restore it'
    else:
        return None
    return OutputError(
        problem,
        argument='work_dir',
        place=FilePlace(config.work_dir),
        advice=f'{advice}, then continue with {{resume}}',
    )
