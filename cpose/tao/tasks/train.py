"""Task ``train``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cpose.apis.training import train
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation.spec_config import load_overlay, training_overlay

ENDINGS = ('.pth', '.tlt')
STATUS_HOOK = {'default_hooks.status': {'type': 'StatusHook'}}


@dataclass(frozen=True)
class TrainResult:
    """What training leaves behind.

    Attributes:
        checkpoint: The newest checkpoint, None after a dry run.
        metrics: Numbers of the last validation by name, empty without validation.
    """

    checkpoint: Path | None
    metrics: Mapping[str, float]


def run_train(spec: TaoSpec, launcher: str = 'none') -> TrainResult:
    """Train, from the start or from where an earlier run in the same folder stopped.

    Args:
        spec: The spec.
        launcher: 'none', or 'pytorch' in a process that torchrun started.

    Raises:
        UserError: If the spec, the data, a checkpoint or an output is wrong.
        TrainingInterruptedError: After a signal; a checkpoint is saved.
    """
    folder = spec.results_dir('train')
    config = load_overlay(training_overlay(spec), folder)
    config.merge_from_dict(STATUS_HOOK)
    runner = train(config, folder, find_resume(spec, folder), launcher=launcher)
    scalars = runner.message_hub.log_scalars
    metrics = {
        name.removeprefix('val/'): float(scalars[name].current())
        for name in scalars
        if name.startswith('val/') and name not in ('val/time', 'val/data_time')
    }
    last = runner.last_checkpoint
    return TrainResult(Path(last) if last else None, metrics)


def find_resume(spec: TaoSpec, folder: Path) -> Path | None:
    """Return the checkpoint to continue from: the named one, else the latest, None for a new run.

    Raises:
        ConfigError: If the name has another ending than TAO allows.
        CheckpointError: If it does not exist or holds no state of training of this project.
    """
    key = 'train.resume_training_checkpoint_path'
    named = spec.values.train.resume_training_checkpoint_path
    if spec.values.train.is_dry_run:
        return None
    if named and not named.endswith(ENDINGS):
        raise spec.wrong(key, f'must end in {" or ".join(ENDINGS)}', 'Give a checkpoint')
    path = Path(named) if named else folder / LATEST
    if not named and not path.exists():
        return None
    stored = load_checkpoint_file(path, tensors_only=True)
    if 'train_loop' not in stored:
        raise CheckpointError(
            'holds no state of training of this project, so nothing can be continued from it',
            value=str(path),
            place=spec.origin.at(key) if named else FilePlace(path),
            advice='Give it as train.pretrained_model_path to start with its weights'
            f'{"" if named else ", with another results_dir"}',
        )
    return path.resolve()
