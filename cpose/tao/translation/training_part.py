"""Optimizer, schedule, checkpoints and run, from a spec."""

from typing import Any

from cpose.tao.spec_file import TaoSpec
from cpose.tao.wandb_login import wandb_backend

BASES = ('cpose::_base_/schedules/140e.py', 'cpose::_base_/default_runtime.py')
METRICS = {'val_3DIoU': 'AP50_3DIoU_tao', 'val_2DMPE': 'MPE_2D'}
"""TAO's names of numbers to ours."""


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
        hook['save_best'] = METRICS[best.monitor]
        hook['rule'] = 'greater' if best.mode == 'max' else 'less'
        hook['best_name'] = best.filename
    return {'checkpoint': hook}
