import pytest

from cpose.engine.checkpoint_list import better_rule, find_score, is_better
from cpose.errors import ConfigError
from cpose.evaluation.objectron_metric import ObjectronMetric

from ..shipped_parts import settings
from ..user_errors import raises

METRIC = ObjectronMetric(**settings('ObjectronMetric'))


@pytest.mark.parametrize(
    ('score', 'best', 'rule', 'expected'),
    [
        (0.5, None, 'greater', True),
        (0.5, 0.4, 'greater', True),
        (0.4, 0.4, 'greater', False),
        (0.3, 0.4, 'less', True),
        (0.4, 0.4, 'less', False),
        (float('nan'), None, 'greater', False),
    ],
)
def test_is_better(score, best, rule, expected):
    assert is_better(score, best, rule) is expected


def test_find_score():
    assert find_score({'a/AP': 1, 'b': 2}, 'AP') == 1.0
    assert find_score({'a/AP': 1, 'b': 2}, 'a/AP') == 1.0
    with raises(ConfigError, 'a/AP, b', argument='save_best', value='x'):
        find_score({'a/AP': 1, 'b': 2}, 'x')


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('AP50_3DIoU', 'greater'), ('MPE_2D', 'less'), ('a/ADD', 'less'), ('accuracy', 'greater')],
)
def test_direction_is_that_of_the_metric(name, expected):
    assert better_rule(name, [object(), METRIC]) == expected
