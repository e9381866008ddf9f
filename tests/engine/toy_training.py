"""A model, data and metric that train in milliseconds, and a hook that writes down the losses."""

import json
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from torch import nn
from torch.utils.data import Dataset

from cpose.registry import DATASETS, HOOKS, METRICS, MODELS

ROOT = Path(__file__).parents[2]


@DATASETS.register_module()
class ToyDataset(Dataset):
    """Noise that depends on seed, epoch and index, and on the global generator."""

    def __init__(self, length=12, use_global_noise=True):
        self.metainfo = {'category': ('toy',), 'symmetry': ({'type': 'NoSymmetry'},)}
        self.length = length
        self.use_global_noise = use_global_noise
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self.loaded = []

    def __len__(self):
        return self.length

    def set_epoch(self, epoch):
        self.epoch.fill_(epoch)

    def __getitem__(self, index):
        self.loaded.append(index)
        rng = np.random.default_rng([7, int(self.epoch), index])
        image = rng.normal(size=(3, 8, 8)).astype(np.float32)
        if self.use_global_noise:
            image += 0.1 * np.random.normal(size=image.shape)
        return {'inputs': torch.from_numpy(image).float(), 'data_samples': float(image.mean())}


@MODELS.register_module()
class ToyModel(BaseModel):
    """Convolution, batch norm, dropout; two losses."""

    def __init__(self, dropout=0.3, nan_at=None, width=4, frozen_norm=False):
        super().__init__()
        self.backbone = nn.Conv2d(3, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, 2)
        self.nan_at = nan_at
        self.frozen_norm = frozen_norm
        self.steps = 0

    def train(self, mode=True):
        super().train(mode)
        if self.frozen_norm:
            self.norm.eval()
        return self

    def forward(self, inputs, data_samples=None, mode='tensor'):
        images = torch.stack(inputs)
        feature = self.norm(self.backbone(images)).relu().mean(dim=(2, 3))
        output = self.head(self.dropout(feature))
        if mode == 'predict':
            return list(output)
        target = torch.tensor(data_samples, device=output.device)
        self.steps += 1
        losses = {
            'loss_a': (output[:, 0] - target).square().mean(),
            'loss_b': (output[:, 1] + target).abs().mean(),
        }
        if self.steps == self.nan_at:
            losses['loss_b'] = losses['loss_b'] * float('nan')
        return losses


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """Mean of the predictions; consumes random numbers as a careless metric may."""

    def process(self, data_batch, data_samples):
        np.random.rand()
        torch.rand(1)
        self.results.extend(float(output[0]) for output in data_samples)

    def compute_metrics(self, results):
        return {'AP50_3DIoU': float(np.mean(results)), 'num_images': len(results)}


@HOOKS.register_module()
class LossRecordHook(Hook):
    """Append the exact losses of every iteration to a file."""

    priority = 'HIGH'

    def __init__(self, file):
        self.file = Path(file)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.rank == 0:
            losses = {name: value.item().hex() for name, value in outputs.items()}
            with self.file.open('a') as file:
                file.write(json.dumps([runner.iter, runner.epoch, batch_idx, losses]) + '\n')


class CrashError(Exception):
    """Stands for whatever ends a process."""


class CrashHook(Hook):
    """Fail after an iteration, once its checkpoint is written."""

    priority = 'LOWEST'

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            raise CrashError


def read_losses(file):
    """Return the losses by iteration; a line cut off by a kill is left out."""
    losses = {}
    for line in Path(file).read_text().splitlines():
        if line.endswith(']'):
            iteration, *rest = json.loads(line)
            losses.setdefault(iteration, []).append(rest)
    return losses


def loader(length, batch_size=2, shuffle=False, **options):
    dataset = {'type': 'ToyDataset', 'length': length}
    return {
        'batch_size': batch_size,
        'num_workers': 0,
        'sampler': {'type': 'DefaultSampler', 'shuffle': shuffle},
        'dataset': dataset,
        **options,
    }


def toy_config(work_dir, options=None):
    """Return the shipped runtime and schedule around the toy parts.

    MMEngine is told not to lay its text out, which takes as long as the rest of a run.
    """
    work_dir = Path(work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    config = Config.fromfile(ROOT / 'configs/_base_/default_runtime.py')
    config.merge_from_dict(Config.fromfile(ROOT / 'configs/_base_/schedules/140e.py').to_dict())
    config = Config(config.to_dict(), format_python_code=False)
    config.merge_from_dict(
        {
            'work_dir': str(work_dir),
            'model': {'type': 'ToyModel'},
            'train_dataloader': loader(12, shuffle=True),
            'val_dataloader': loader(3),
            'val_evaluator': {'type': 'ToyMetric'},
            'test_dataloader': loader(3),
            'test_evaluator': {'type': 'ToyMetric'},
            'train_cfg.max_epochs': 3,
            'optim_wrapper.optimizer.lr': 0.01,
            'custom_hooks': [{'type': 'LossRecordHook', 'file': str(work_dir / 'losses.jsonl')}],
            'visualizer': {
                'type': 'mmengine.Visualizer',
                'vis_backends': [{'type': 'LocalVisBackend'}],
            },
            'default_hooks.logger.interval': 2,
            'log_level': 'WARNING',
        }
    )
    config.merge_from_dict(options or {})
    return config
