import pytest

from cpose.datasets.synthetic.settings import RealismSettings
from cpose.errors import ConfigError
from cpose.models.losses.loss_terms import GaussianFocalLoss, MaskedL1Loss, RelativeL1Loss

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
    ],
)
def test_losses_refuse_what_is_no_number_of_theirs(kind, argument, value):
    with raises(ConfigError, argument=argument):
        kind(**{argument: value})


@pytest.mark.parametrize(
    ('name', 'value'),
    [('box_span', 0), ('box_span', ('a', 'b')), ('hands', 'x'), ('hands', [0, 1])],
)
def test_realism_refuses_the_wrong_kind_of_value(name, value):
    with raises(ConfigError, argument=f'realism.{name}'):
        RealismSettings.from_config({name: value})
