import optuna
import pytest

from cpose.errors import ConfigError
from cpose.tao.automl.search import (
    KNOWN,
    WITHOUT_COUNTERPART,
    build_pruner,
    build_sampler,
    check_algorithm,
)
from cpose.tao.spec.sections.experiment import Automl

from ...user_errors import raises

OF_TAO = ['bayesian', 'hyperband', 'bohb', 'bfbo', 'asha', 'pbt', 'dehb', 'hyperband_es']


def test_every_algorithm_of_tao_is_known_or_refused_by_name():
    assert set(OF_TAO) == {*KNOWN, *WITHOUT_COUNTERPART}


@pytest.mark.parametrize('name', WITHOUT_COUNTERPART)
def test_refusal_says_why_and_what_else(name):
    reason = WITHOUT_COUNTERPART[name]
    with raises(ConfigError, reason, argument='algorithm', value=name) as caught:
        check_algorithm(name)
    assert all(known in caught.value.advice[0] for known in KNOWN)


def test_misspelt_name():
    with raises(ConfigError, argument='algorithm', value='hyperbandd') as caught:
        check_algorithm('hyperbandd')
    assert all(known in caught.value.advice[0] for known in KNOWN)


SAMPLERS = {'bayesian': 'TPE', 'bohb': 'TPE', 'hyperband': 'Random', 'asha': 'Random'}
PRUNERS = {
    'bayesian': 'Nop',
    'bohb': 'Hyperband',
    'hyperband': 'Hyperband',
    'asha': 'SuccessiveHalving',
}


@pytest.mark.parametrize('name', KNOWN)
def test_counterparts(name):
    check_algorithm(name)
    settings = Automl(algorithm=name)
    assert type(build_sampler(settings, 0)).__name__ == f'{SAMPLERS[name]}Sampler'
    assert type(build_pruner(settings, 27, 1)).__name__ == f'{PRUNERS[name]}Pruner'


def value(sampler):
    return optuna.create_study(sampler=sampler).ask().suggest_float('x', 0, 1)


@pytest.mark.parametrize('name', ['bayesian', 'hyperband'])
def test_seeds_differ_by_trial_and_repeat_by_search(name):
    settings = Automl(algorithm=name)
    values = [value(build_sampler(settings, number)) for number in (0, 1, 0)]
    assert values[0] == values[2] != values[1]
    free = Automl(algorithm=name, seed=-1)
    assert value(build_sampler(free, 0)) != value(build_sampler(free, 0))
