"""Configs that leave to constructors what version 0.1 filled in."""

import pytest

from cpose.apis.config.load import load_config
from cpose.evaluation.objectron_metric import ObjectronMetric

from ...shipped_parts import part


def test_parts_are_filled_up_as_far_as_they_go():
    given = {'type': 'ObjectronMetric', 'protocol': {'min_score': 0.2}}
    metric = load_config({'val_evaluator': given}).val_evaluator.to_dict()
    assert metric == part('ObjectronMetric', protocol=part('OneToOneProtocol', min_score=0.2))


def test_parts_of_another_type_get_their_own_settings():
    given = {'type': 'cpose.ObjectronMetric', 'protocol': {'type': 'TaoProtocol'}}
    metric = load_config({'val_evaluator': given}).val_evaluator.to_dict()
    assert metric['protocol'] == part('TaoProtocol')
    settings = {key: value for key, value in metric.items() if key != 'type'}
    assert ObjectronMetric(**settings).protocol.min_score == 0.3


@pytest.mark.parametrize('kind', ['Own', 'mmpose.FAN', None])
def test_other_parts_stay(kind):
    tree = {'model': {'backbone': {'type': kind, 'arch': 'x'}}}
    assert load_config(tree).to_dict() == tree


def test_parts_inside_lists():
    steps = [{'type': 'LoadPoseImage'}, {'type': 'RandomPoseAffine', 'scale_range': (0.7, 1.2)}]
    tree = {'train_dataloader': {'dataset': {'type': 'Own', 'pipeline': steps}}}
    pipeline = load_config(tree).train_dataloader.dataset.pipeline
    assert pipeline[0] == steps[0]
    assert pipeline[1] == part('RandomPoseAffine', scale_range=(0.7, 1.2))


@pytest.mark.parametrize(
    ('codec', 'data', 'limit'), [({'max_objs': 3}, {}, 3), ({'max_objs': 20}, {}, 10), ({}, {}, 10)]
)
def test_training_data_alone_limit_the_targets(codec, data, limit):
    reader = {'type': 'CenterPoseDataset'}
    tree = {
        'model': {'head': {'type': 'Own', 'codec': codec}},
        'train_dataloader': {'dataset': {**reader, **data}},
        'test_dataloader': {'dataset': reader},
    }
    config = load_config(tree)
    assert config.train_dataloader.dataset.max_objs == limit
    assert config.test_dataloader.dataset == reader
    assert 'max_objs' not in config.model.head.codec
