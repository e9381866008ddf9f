"""A network that reads the frame before learns from pairs of frames."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate

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
