"""Every network, and every category, learns for a step and predicts, on tiny inputs."""

from functools import cache

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from cpose.apis.builder import build_model
from cpose.apis.config.check import check_config
from cpose.apis.config.load import configs_root, load_config
from cpose.datasets.draws import innermost_configs
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.registry import METRICS

OVERLAYS = sorted((configs_root() / 'centerpose').glob('*.py'))
FURTHER = (
    *('fan_small_bike', 'fan_base_bottle', 'fan_large_chair'),
    *('dla34_track_chair', 'dla34_track_cuboid'),
)
WITH_A_STEP = [
    file
    for file in OVERLAYS
    if not file.stem.startswith(('fan_', 'dla34_track_')) or file.stem in FURTHER
]
"""The categories on the fastest network, the other networks on one category each."""
SIDE = 64


def shapes_for(metainfo):
    """Return a carton for each category: their look does not matter here."""
    names = metainfo.category
    return [{'type': 'Carton'}] * (1 if isinstance(names, str) else len(names))


def tiny_batch(config):
    """Return two pictures through the config's own steps, with the config's symmetry."""
    parts = innermost_configs(config.train_dataloader.dataset)[0]
    pipeline = [step for step in parts.pipeline if step['type'] != 'LoadPoseImage']
    dataset = SyntheticCuboidDataset(
        2,
        pipeline,
        shape=shapes_for(parts.metainfo),
        image_wh=(SIDE, SIDE),
        input_wh=(SIDE, SIDE),
        metainfo=parts.metainfo.to_dict(),
        realism={'box_span': (0.6, 0.9), 'occluder': 0.0, 'solids': (0, 0)},
    )
    return pseudo_collate([dataset[0], dataset[1]])


@pytest.mark.parametrize('name', ['quickstart', 'dla34_cup'])
def test_reference_rules_replace_ours(name):
    config = load_config(f'cpose::centerpose/{name}.py', {'presets': ['_base_/compat/tao.py']})
    head = build_model(config).head
    assert type(head.postprocessor.dims_refiner).__name__ == 'PredictedDims'
    assert head.postprocessor.eval_score_thr == 0.3
    assert type(head.criterion.symmetry_assignment).__name__ == 'ImageSymmetryAssignment'


@pytest.mark.parametrize('file', OVERLAYS, ids=lambda file: file.stem)
def test_an_overlay_is_a_network_and_a_category(file):
    config = load_config(file)
    check_config(config, ('model', 'train_dataloader', 'test_dataloader', 'optim_wrapper'))
    models, categories = zip(*map(parts_of, WITH_A_STEP), strict=True)
    model, category = parts_of(file)
    assert model in models
    assert category in categories


@cache
def parts_of(file):
    config = load_config(file)
    parts = innermost_configs(config.train_dataloader.dataset)[0]
    return config.model.to_dict(), parts.metainfo.to_dict()


@pytest.mark.slow
@pytest.mark.parametrize('file', WITH_A_STEP, ids=lambda file: file.stem)
def test_step_and_prediction(file):
    torch.manual_seed(0)
    config = load_config(file)
    check_config(config, ('model', 'train_dataloader', 'test_dataloader', 'optim_wrapper'))
    model = build_model(config).train()
    batch = model.data_preprocessor(tiny_batch(config), training=True)
    losses = model(**batch, mode='loss')
    total = sum(losses.values())
    total.backward()
    trained = [part for part in config.model.head.branches.values() if part.loss]
    assert len(losses) == len(trained) >= 7
    assert np.isfinite(total.item())
    weight = next(item for item in model.backbone.parameters() if item.requires_grad)
    assert weight.grad.abs().sum() > 0
    model.zero_grad(set_to_none=True)

    model.eval()
    with torch.no_grad():
        results = model(**batch, mode='predict')
    assert [result.image_wh for result in results] == [(SIDE, SIDE)] * 2
    metric = METRICS.build(dict(config.test_evaluator))
    metainfo = config.test_dataloader.dataset.metainfo
    metric.dataset_meta = SyntheticCuboidDataset(
        1, shape=shapes_for(metainfo), metainfo=metainfo.to_dict()
    ).metainfo
    metric.process(batch, results)
    assert metric.evaluate(2)['num_images'] == 2
