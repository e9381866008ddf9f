"""Specs of TAO, values of config keys, and states of trainings; see `targets`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from cpose.apis.config.check import check_config
from cpose.apis.config.load import load_config
from cpose.apis.training import train
from cpose.registry import RUNNERS
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.translation.spec_config import load_overlay, training_overlay
from tests.engine.toy_training import toy_config

from .model_targets import SIZE, TINY
from .mutations import ODD_VALUES, spoil_bytes, spoil_tree

SHORT = {
    **TINY,
    **{
        f'{part}_dataloader.{key}': value
        for part in ('train', 'val', 'test')
        for key, value in {
            'num_workers': 0,
            'persistent_workers': False,
            'batch_size': 1,
            'dataset.num_images': 2,
            'dataset.image_wh': SIZE,
            'dataset.input_wh': SIZE,
        }.items()
    },
    'train_cfg.max_epochs': 1,
    'train_cfg.val_interval': 1,
}
SPEC = {
    'results_dir': 'results',
    'dataset': {'train_data': 'data', 'val_data': 'data', 'category': 'bike', 'batch_size': 4},
    'model': {'backbone': {'model_type': 'DLA34'}, 'down_ratio': 4, 'use_pretrained': False},
    'train': {'num_epochs': 2, 'optim': {'lr': 6e-5, 'lr_steps': [90, 120]}, 'num_gpus': 1},
    'evaluate': {'checkpoint': 'model.pth', 'opencv': False},
    'inference': {'principle_point_x': 300.7, 'focal_length_x': 615.0},
}


class Specs:
    """Spec files of TAO."""

    def prepare(self, folder: Path) -> None:
        """Choose where they are written."""
        self.path = folder / 'spec.yaml'

    def attack(self, rng: np.random.Generator) -> bool:
        """Translate one for a training."""
        text = yaml.safe_dump(SPEC)
        if rng.random() < 0.3:
            self.path.write_bytes(spoil_bytes(rng, text.encode()))
        else:
            self.path.write_text(yaml.safe_dump(spoil_tree(rng, SPEC)))
        check_config(load_overlay(training_overlay(load_spec(self.path, task='train'))))
        return True


class Options:
    """Values of config keys, in a training of two pictures."""

    def prepare(self, folder: Path) -> None:
        """List the keys."""
        self.folder = folder
        self.keys = list(_flat(load_config('quickstart').to_dict()))
        self.number = 0

    def attack(self, rng: np.random.Generator) -> bool:
        """Train with one odd value."""
        key = self.keys[int(rng.integers(len(self.keys)))]
        value = ODD_VALUES[int(rng.integers(len(ODD_VALUES)))]
        self.number += 1
        train('quickstart', self.folder / str(self.number), options={**SHORT, key: value})
        return True


class Resumes:
    """Checkpoints whose state of the training is spoilt, to go on from."""

    def prepare(self, folder: Path) -> None:
        """Train one epoch of a tiny network."""
        self.folder, self.number = folder, 0
        self.path = folder / 'spoilt.pth'
        first = self._train({'train_cfg.max_epochs': 1})
        self.content = torch.load(first.last_checkpoint, weights_only=True)

    def attack(self, rng: np.random.Generator) -> bool:
        """Go on for an epoch; weights that come out are finite."""
        state = {key: value for key, value in self.content.items() if key != 'state_dict'}
        spoilt = spoil_tree(rng, state)
        torch.save({**spoilt, 'state_dict': self.content['state_dict']}, self.path)
        options = {'train_cfg.max_epochs': 2, 'load_from': str(self.path), 'resume': True}
        weights = self._train(options).model.state_dict()
        return all(torch.isfinite(value).all() for value in weights.values())

    def _train(self, options: Mapping[str, Any]) -> Runner:
        self.number += 1
        with DefaultScope.overwrite_default_scope('cpose'):
            runner = RUNNERS.build(toy_config(self.folder / str(self.number), options))
            runner.train()
        return runner


def _flat(tree, prefix=''):
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f'{prefix}{key}.')
        yield f'{prefix}{key}'
