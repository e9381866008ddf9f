"""Weights of other names are converted, fill a backbone and start a training."""

import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config

CONFIG = str(Path(__file__).parents[1] / 'configs' / 'mobilenetv4_cuboid.py')
TINY = [
    'train_dataloader.dataset.num_images=4',
    'train_dataloader.dataset.image_wh=(64,64)',
    'train_dataloader.dataset.input_wh=(64,64)',
    'train_dataloader.batch_size=4',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'train_cfg.max_epochs=1',
    'val_dataloader=None',
    'val_cfg=None',
    'val_evaluator=None',
]


def cpose(folder, *arguments):
    """Run a command in a process that knows only what its config imports."""
    command = [sys.executable, '-m', 'cpose.cli.main', *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope='module')
def classifier():
    return timm.create_model('mobilenetv4_conv_small').state_dict()


def assert_filled(backbone, classifier):
    own = backbone.features.state_dict()
    assert len(own) > 100
    for key, value in own.items():
        assert value.equal(classifier[key]), key


@pytest.mark.slow
def test_a_backbone_is_converted_and_loaded(tmp_path, classifier):
    save_file(classifier, tmp_path / 'model.safetensors')
    done = cpose(tmp_path, 'convert', 'model.safetensors', '--out', 'a.pth', '--config', CONFIG)
    assert done.returncode == 0, done.stderr
    assert 'timm MobileNetV4, ImageNet (mobilenetv4_imagenet)' in done.stdout
    for name in ('model.safetensors', 'a.pth'):
        options = {'model.backbone.pretrained_path': str(tmp_path / name)}
        assert_filled(build_model(load_config(CONFIG, options)).backbone, classifier)


@pytest.mark.slow
def test_a_whole_model_starts_a_training(tmp_path):
    weights = build_model(load_config(CONFIG)).state_dict()
    averaged = {f'ema_model.{key}': value for key, value in weights.items()}
    torch.save({**averaged, 'step': torch.tensor(7)}, tmp_path / 'ema.pth')
    model = build_model(load_config(CONFIG), tmp_path / 'ema.pth')
    assert all(value.equal(weights[key]) for key, value in model.state_dict().items())
    options = [*TINY, f'load_from={tmp_path / "ema.pth"}']
    done = cpose(tmp_path, 'train', CONFIG, '--work-dir', 'run', '--cfg-options', *options)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'run' / 'epoch_1.pth').is_file()
