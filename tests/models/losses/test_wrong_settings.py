from functools import partial

import pytest

from cpose.datasets.synthetic.settings import RealismSettings
from cpose.engine.hooks.pose_visualization_hook import PoseVisualizationHook
from cpose.errors import ConfigError
from cpose.models.backbones.fan import FAN
from cpose.models.losses.loss_terms import GaussianFocalLoss, MaskedL1Loss, RelativeL1Loss
from cpose.models.losses.symmetry_assignments import ObjectSymmetryAssignment

from ...user_errors import raises


@pytest.mark.parametrize(
    ('kind', 'argument', 'value'),
    [
        (GaussianFocalLoss, 'beta', 'x'),
        (GaussianFocalLoss, 'alpha', None),
        (GaussianFocalLoss, 'clamp', 0),
        (GaussianFocalLoss, 'loss_weight', float('nan')),
        (MaskedL1Loss, 'loss_weight', []),
        (RelativeL1Loss, 'min_target', -1),
        (ObjectSymmetryAssignment, 'facing_bonus', [0.3]),
        (ObjectSymmetryAssignment, 'facing_bonus', -1),
        (partial(FAN, 'small'), 'drop_path_rate', '0.1'),
        (partial(FAN, 'small'), 'drop_path_rate', 2),
        (PoseVisualizationHook, 'score_thr', [0.3]),
    ],
)
def test_parts_refuse_what_is_no_number_of_theirs(kind, argument, value):
    with raises(ConfigError, argument=argument):
        kind(**{argument: value})


@pytest.mark.parametrize(
    ('name', 'value'),
    [('box_span', 0), ('box_span', ('a', 'b')), ('hands', 'x'), ('hands', [0, 1])],
)
def test_realism_refuses_the_wrong_kind_of_value(name, value):
    with raises(ConfigError, argument=f'realism.{name}'):
        RealismSettings.from_config({name: value})
