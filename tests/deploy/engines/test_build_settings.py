import pytest

from cpose.deploy.engines.engine_build import BatchProfile, choose_profile
from cpose.errors import ConfigError

from ...user_errors import raises


@pytest.mark.parametrize(
    ('static', 'given', 'expected'),
    [
        (None, (None, None, None), (1, 4, 8)),
        (None, (2, 2, 2), (2, 2, 2)),
        (None, (None, 16, None), (1, 16, 16)),
        (None, (None, None, 2), (1, 2, 2)),
        (None, (6, None, None), (6, 6, 8)),
        (3, (None, None, None), (3, 3, 3)),
        (3, (3, 3, None), (3, 3, 3)),
    ],
)
def test_batch_sizes(static, given, expected):
    assert choose_profile(static, *given) == BatchProfile(*expected)


@pytest.mark.parametrize('given', [(4, 2, 8), (1, 9, 8), (9, None, 8), (0, 1, 1)])
def test_batch_sizes_out_of_order_are_refused(given):
    with raises(ConfigError, argument='opt_batch'):
        choose_profile(None, *given)


def test_other_batches_than_the_fixed_one_are_refused():
    with raises(ConfigError, '2', argument='min_batch', value=1):
        choose_profile(2, 1, None, 2)
