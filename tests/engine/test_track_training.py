"""A network that reads the frame before learns from pairs of frames."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate

import cpose
from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config
from cpose.cli.main import main
from cpose.registry import DATASETS

NAME = 'dla34_track_cuboid'
SMALL = {
    f'{loader}_dataloader.dataset.{key}': value
    for loader in ('train', 'val', 'test')
    for key, value in (
        *(('image_wh', (64, 64)), ('input_wh', (64, 64)), ('num_videos', 1), ('frames', 4)),
    )
}


@pytest.mark.slow
def test_the_losses_fall():
    config = load_config(NAME, SMALL)
    dataset = DATASETS.build(config.train_dataloader.dataset)
    torch.manual_seed(0)
    model = build_model(config).train()
    items = pseudo_collate([dataset[index] for index in range(4)])
    batch = model.data_preprocessor(items, training=True)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    history = []
    for _ in range(15):
        losses = model(**batch, mode='loss')
        total = sum(losses.values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        history.append({name: value.item() for name, value in losses.items()})
    for name in ('loss_hm', 'loss_hps', 'loss_scale', 'loss_tracking', 'loss_tracking_hp'):
        first, last = history[0][name], min(item[name] for item in history[-3:])
        assert last < 0.8 * first, name
    for name in ('pre_img', 'pre_hm', 'pre_hm_hp'):
        layer = model.backbone.features.base_layer.get_submodule(name)
        assert layer[0].weight.grad.abs().sum() > 0, name


@pytest.mark.slow
def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {
        **SMALL,
        'train_dataloader.batch_size': 2,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'val_dataloader.num_workers': 0,
        'val_dataloader.persistent_workers': False,
        'train_cfg.max_epochs': 1,
        'default_hooks.logger.interval': 1,
    }
    words = [f'{key}={str(value).replace(" ", "")}' for key, value in options.items()]
    assert main(['train', NAME, '--work-dir', 'run', '--cfg-options', *words]) == 0
    (log,) = Path('run').rglob('scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line for line in lines if 'loss_tracking' in line]
    assert len(steps) == 2
    assert any('AP50_3DIoU' in line for line in lines)


LITE = 'efficientnet_lite0_track_cuboid'
CUBOID = Path(cpose.__file__).with_name('weights') / 'cuboid.safetensors'
ADDED = ['*.pre_*.weight', '*.outputs.tracking*']
"""Weights that a network of single images does not have."""


@pytest.fixture(scope='module')
def lite():
    """Return a network that begins with the weights of ``cuboid``, and its config."""
    start = {'type': 'Pretrained', 'checkpoint': str(CUBOID), 'optional': ADDED}
    config = load_config(LITE, {**SMALL, 'model.backbone.pretrained_path': None})
    config.model.init_cfg = start
    model = build_model(config)
    model.init_weights()
    return model, config


@torch.no_grad()
def test_weights_of_single_images_find_the_same(lite):
    model, _ = lite
    single = build_model(load_config('efficientnet_lite0_cuboid'), CUBOID).eval()
    inputs = torch.randn(1, 15, 64, 64, generator=torch.Generator().manual_seed(0))
    expected, found = single(inputs[:, :3]), model.eval()(inputs)
    assert set(found) == {*expected, 'tracking', 'tracking_hp'}
    for name, values in expected.items():
        assert torch.equal(found[name], values), name


def test_a_step_moves_the_layers_of_the_frame_before(lite):
    model, config = lite
    dataset = DATASETS.build(config.train_dataloader.dataset)
    items = pseudo_collate([dataset[index] for index in range(2)])
    batch = model.data_preprocessor(items, training=True)
    losses = model.train()(**batch, mode='loss')
    assert {'loss_hm', 'loss_tracking', 'loss_tracking_hp'} <= set(losses)
    sum(losses.values()).backward()
    stem = model.backbone.features.conv_stem
    for name in ('pre_img', 'pre_hm', 'pre_hm_hp'):
        assert stem.get_submodule(name).weight.grad.abs().sum() > 0, name
    assert stem.weight.grad is None  # of a frozen stage
