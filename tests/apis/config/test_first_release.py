"""Configs that leave to constructors what version 0.1 filled in."""

import json
from pathlib import Path

import pytest

from cpose.apis.config.load import load_config
from cpose.evaluation.objectron_metric import ObjectronMetric

from ...golden.regenerate import CASES, value_lines
from ...shipped_parts import part

LATER = ('efficientnet_lite0_cuboid', 'dla34_track_cuboid')
"""Configs that the first release did not have."""
FIRST_RELEASE = Path(__file__).parents[2] / 'data' / 'first_release'
STILL_DEFAULTS = (
    *('.seed = 0', '.val_begin = 1', '.accumulative_counts = 1', '.pretrained = False'),
    *('.deterministic = False', '.diff_rank_seed = False', '.cudnn_deterministic = False'),
    *('.checkpoint.rule = None', ".dims_refiner.type = 'PredictedDims'"),
    *('.visualization.interval = 50', '.visualization.score_thr = 0.3'),
    "runner_type = 'cpose.PoseRunner'",
    *('.rolled = 0.0', '.roll_deg = [18.0, 180.0]', '.free_pose = 0.0'),
    *('.hands = 0.0', '.stacks = 0.0', '.slender = 0.0', '.flaps = 0.0', '.negatives = 0.0'),
    *('.loose_items = [0, 0]', '.people = [0, 0]'),
    *('.distractors = []', '.props = [0, 0]', ".shape.type = 'Carton'"),
    *('.printed_solids = 0.0', '.window_light = 0.0', '.webcam = 0.0', '.grey = 0.0'),
)
"""Written out today, and the same where it is left out."""
NEARER = ('.scale_step = 0.1',)
"""Nearer to the reference today, in the preset of its rules."""
OTHER_WORDS = (
    "runner_type = 'PoseRunner'",
    "default_hooks.checkpoint.rule = 'greater'",
    'model.head.postprocessor.dims_refiner = None',
)
"""Said otherwise today: None is the direction of the metric, PredictedDims refine nothing."""


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
    ('codec', 'data', 'limit'), [({'max_objs': 3}, {}, 3), ({'max_objs': 20}, {}, 20), ({}, {}, 10)]
)
def test_training_data_alone_limit_the_targets(codec, data, limit):
    reader = {'type': 'CenterPoseDataset'}
    tree = {
        'model': {'head': {'type': 'Own', 'codec': {'num_select': 9, **codec}}},
        'train_dataloader': {'dataset': {**reader, **data}},
        'test_dataloader': {'dataset': reader},
    }
    config = load_config(tree)
    assert config.train_dataloader.dataset.max_objs == limit
    assert config.test_dataloader.dataset == reader
    assert 'max_objs' not in config.model.head.codec


@pytest.mark.parametrize('name', [name for name in CASES if name not in LATER])
def test_resolved_configs_of_then_say_the_same_today(name):
    """The files are what version 0.1 resolved, and wrote into its checkpoints."""
    stored = json.loads((FIRST_RELEASE / f'{name}.json').read_text())
    argument, *preset = CASES[name]
    today = load_config(argument, {'presets': ['_base_/compat/tao.py']} if preset else {})
    then, now = plain_lines(load_config(stored)), plain_lines(today)
    assert [line for line in then if line not in now and line not in OTHER_WORDS] == []
    new = [line for line in now if line not in then]
    assert [line for line in new if not line.endswith((*STILL_DEFAULTS, *NEARER))] == []


def plain_lines(config):
    return value_lines(json.loads(json.dumps(config.to_dict())))
