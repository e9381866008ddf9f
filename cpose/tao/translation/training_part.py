"""Optimizer, schedule, checkpoints and run, from a spec."""

import netrc
import os
from importlib.util import find_spec
from typing import Any

from cpose.errors import MissingDependencyError
from cpose.evaluation.metric_table import find_number
from cpose.tao.spec.spec_file import TaoSpec

HOST = 'api.wandb.ai'


def has_login() -> bool:
    """Whether there is a key for W&B: in ``WANDB_API_KEY``, or in the user's ``.netrc``."""
    if os.environ.get('WANDB_API_KEY'):
        return True
    try:
        return netrc.netrc().authenticators(HOST) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def wandb_backend(spec: TaoSpec) -> list[dict[str, Any]]:
    """Return the config of the log there, none if it is off or there is no login.

    Raises:
        MissingDependencyError: If it is on and the package is not installed.
    """
    settings = spec.values.wandb
    if not settings.enable or not has_login():
        return []
    if find_spec('wandb') is None:
        raise MissingDependencyError(
            'needs the package wandb, as a login to W&B is there; it is not installed',
            value=True,
            place=spec.origin.at('wandb.enable'),
            advice=('Run: pip install wandb', 'Set wandb.enable=false'),
        )
    init = {
        'project': settings.project,
        'entity': settings.entity or None,
        'group': settings.group or None,
        'tags': settings.tags,
        'reinit': settings.reinit,
        'sync_tensorboard': settings.sync_tensorboard,
        'save_code': settings.save_code,
        'name': settings.name or None,
    }
    if settings.run_id:
        init.update(id=settings.run_id, resume='allow')
    return [{'type': 'WandbVisBackend', 'init_kwargs': init}]


BASES = ('cpose::_base_/schedules/140e.py', 'cpose::_base_/default_runtime.py')


def schedule_part(spec: TaoSpec) -> dict[str, Any]:
    """Return optimizer and schedule."""
    train = spec.values.train
    optim, clip = train.optim, train.clip_grad_val
    wrapper: dict[str, Any] = {
        'optimizer': {'type': 'Adam', 'lr': optim.lr},
        'clip_grad': {'max_norm': clip} if clip else None,
    }
    if train.precision != 'fp32':
        wrapper.update(type='MixedPrecisionOptimWrapper', dtype=train.precision)
    step = {
        'type': 'MultiStepLR',
        'milestones': optim.lr_steps,
        'gamma': optim.lr_decay,
        'by_epoch': True,
    }
    return {
        'optim_wrapper': wrapper,
        'param_scheduler': [step] if optim.lr_steps else [],
        'train_cfg': {
            'max_epochs': 1 if train.is_dry_run else train.num_epochs,
            'val_interval': train.validation_interval,
        },
    }


def run_part(spec: TaoSpec) -> dict[str, Any]:
    """Return seeds, checkpoints, logs and where to start from."""
    train = spec.values.train
    backends = [{'type': 'LocalVisBackend'}, {'type': 'TensorboardVisBackend'}]
    part: dict[str, Any] = {
        'work_dir': str(spec.results_dir('train')),
        'randomness': {'seed': train.seed if train.seed >= 0 else None},
        'env_cfg': {
            'cudnn_benchmark': train.cudnn.benchmark,
            'cudnn_deterministic': train.cudnn.deterministic,
        },
        'default_hooks': _hooks(spec),
        'visualizer': {'vis_backends': [*backends, *wandb_backend(spec)]},
        'load_tensors_only': True,
    }
    if spec.values.model_name:
        part['experiment_name'] = spec.values.model_name
    if train.pretrained_model_path:
        part['load_from'] = train.pretrained_model_path
    return part


def _hooks(spec: TaoSpec) -> dict[str, Any]:
    train = spec.values.train
    if train.is_dry_run:
        return {'checkpoint': None, 'graceful_stop': None}
    hook: dict[str, Any] = {
        '_delete_': True,
        'type': 'TaoCheckpointHook',
        'interval': train.checkpoint_interval,
        'unit': train.checkpoint_interval_unit,
    }
    best = train.checkpointer
    if best.enable_topk and spec.values.dataset.val_data:
        hook['save_best'] = _monitored_number(best.monitor)
        hook['rule'] = 'greater' if best.mode == 'max' else 'less'
        hook['best_name'] = best.filename
    return {'checkpoint': hook}


def _monitored_number(monitor: str) -> str:
    """Return our name of a number that TAO's checkpointer may follow, such as ``val_3DIoU``."""
    found = find_number(monitor.removeprefix('val_'))
    assert found is not None, f'{monitor} is in no report'
    return found[1].key
