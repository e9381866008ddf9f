"""What a resumed run trains with: optimizer settings and schedules as its config says now.

PyTorch and MMEngine put back what the checkpoint holds, whatever the config says. That is right as
long as both are the same; where they differ the config counts, from the place of the run on.
"""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.optim import OptimWrapperDict

from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.engine.resuming import NEW_RUN
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError

LENGTHS = ('max_epochs', 'max_iters')
INITIAL = 'initial_'
"""Before the name of a setting that a schedule changes: its value in the config."""
FOLLOWED = {
    'param_scheduler': (),
    'optim_wrapper': ('optimizer', 'paramwise_cfg'),
    'auto_scale_lr': (),
    'train_cfg': LENGTHS,
}
"""Parts of a config that decide how a run goes on, and which of their keys; empty for all."""
ABSENT = 'absent'


class Change(NamedTuple):
    """A setting that the config has changed since the checkpoint.

    Attributes:
        name: What it is called in the config.
        new: Its value here.
        old: Its value in the checkpoint.
    """

    name: str
    new: Any
    old: Any

    @property
    def is_length(self) -> bool:
        """Whether it only says how long the training is."""
        return self.name.startswith('train_cfg.')

    def __str__(self) -> str:
        return f'{self.name} is {self.new}, was {self.old}'


def find_changes(config: Config, checkpoint: Mapping[str, Any]) -> list[Change]:
    """Return what of optimizer, schedules and length has changed since a checkpoint.

    Args:
        config: Of this run.
        checkpoint: Its content; without a config nothing is found.
    """
    text = checkpoint['meta'].get(CONFIG_KEY)
    if not isinstance(text, str):
        return []
    here, there = (dict(_followed(json.loads(source))) for source in (config_to_json(config), text))
    return [
        Change(name, here.get(name, ABSENT), there.get(name, ABSENT))
        for name in {**there, **here}
        if here.get(name, ABSENT) != there.get(name, ABSENT)
    ]


def _followed(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for part, inside in FOLLOWED.items():
        for name, value in _flatten(part, tree.get(part)):
            if not inside or any(f'.{key}.' in f'{name}.' for key in inside):
                yield name, value


def _flatten(name: str, node: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values below a key by their whole names."""
    children: Any = ()
    if isinstance(node, Mapping):
        children = node.items()
    elif isinstance(node, list) and any(isinstance(item, Mapping) for item in node):
        children = enumerate(node)
    for key, value in children:
        yield from _flatten(f'{name}.{key}', value)
    if not children and node is not None:
        yield name, node


def optimizer_settings(optim_wrapper: Any) -> list[dict[str, Any]]:
    """Return the settings of each parameter group, not as a schedule has changed them."""
    return [
        {
            name: group.get(INITIAL + name, value)
            for name, value in group.items()
            if name != 'params' and not name.startswith(INITIAL)
        }
        for group in _parameter_groups(optim_wrapper)
    ]


def restore_settings(optim_wrapper: Any, settings: Sequence[Mapping[str, Any]]) -> None:
    """Give an optimizer the settings that `optimizer_settings` returned."""
    for group, values in zip(_parameter_groups(optim_wrapper), settings, strict=True):
        for name, value in values.items():
            group[name] = value
            if INITIAL + name in group:
                group[INITIAL + name] = value


def _parameter_groups(optim_wrapper: Any) -> list[dict[str, Any]]:
    if isinstance(optim_wrapper, OptimWrapperDict):
        return [group for wrapper in optim_wrapper.values() for group in wrapper.param_groups]
    groups: list[dict[str, Any]] = optim_wrapper.param_groups
    return groups


def depends_on_iterations(schedules: Any) -> bool:
    """Whether one of the schedules of a runner counts iterations."""
    return not all(schedule.by_epoch for schedule in flat_schedules(schedules))


def depends_on_results(schedules: Any) -> bool:
    """Whether one of the schedules of a runner follows validation results."""
    return any(getattr(item, 'need_val_args', False) for item in flat_schedules(schedules))


def replay_schedules(runner: Any, why: str) -> None:
    """Bring the schedules to where they would be had every iteration been one of this run.

    Their stored state fits neither what the config says now, nor the recursions by which MMEngine
    computes a value from the one before. So they are built anew, from the initial values of the
    optimizer, and stepped to the present place.

    Args:
        runner: A runner that has loaded a checkpoint.
        why: What is different, for the message.

    Raises:
        CheckpointError: If a schedule follows validation results, which cannot be repeated.
    """
    if depends_on_results(runner.param_schedulers):
        raise CheckpointError(
            f'cannot be resumed with {why}: the config key param_scheduler has schedules by '
            'validation results, which cannot be repeated',
            place=FilePlace(runner.last_checkpoint),
            advice=('Resume with everything as before', NEW_RUN),
        )
    if runner.param_schedulers is None:
        return
    for schedule in flat_schedules(runner.param_schedulers):
        name = schedule.param_name
        for group in schedule.optimizer.param_groups:
            group[name] = group.get(f'initial_{name}', group[name])
    runner.param_schedulers = runner.build_param_scheduler(runner.cfg.param_scheduler)
    _step_to(runner.train_loop, flat_schedules(runner.param_schedulers))


def flat_schedules(schedules: Any) -> list[Any]:
    """Return the schedules of one optimizer or of several, by name, as one list."""
    if isinstance(schedules, dict):
        return [schedule for items in schedules.values() for schedule in items]
    return list(schedules or ())


def _step_to(loop: Any, schedules: list[Any]) -> None:
    by_epoch = [schedule for schedule in schedules if schedule.by_epoch]
    by_iter = [schedule for schedule in schedules if not schedule.by_epoch]
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='Detected call of `scheduler.step')
        for _ in range(loop.epoch):
            _step(by_iter, times=len(loop.dataloader))
            _step(by_epoch, times=1)
        _step(by_iter, times=loop.progress['batches_done'])


def _step(schedules: list[Any], times: int) -> None:
    for _ in range(times):
        for schedule in schedules:
            schedule.step()
