import optuna
import pytest

from cpose.tao.automl.search_space import Parameter

PARAMETERS = [
    Parameter('a', 0.001, 0.1, is_log=True),
    Parameter('a', -1, 1),
    Parameter('a', 1, 64, is_whole=True, is_log=True),
    Parameter('a', options=(False, True)),
    Parameter('a', options=([1, 2], 'text', None)),
]


@pytest.mark.parametrize('parameter', PARAMETERS, ids=Parameter.describe)
def test_values_come_back_from_what_is_stored(parameter):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(20):
        trial = study.ask()
        value = parameter.suggest(trial)
        assert parameter.value_of(trial.params['a']) == value
        if parameter.options:
            assert value in parameter.options
        else:
            assert parameter.low <= value <= parameter.high
            assert isinstance(value, int) == parameter.is_whole


def test_log_scale_makes_factors_equally_likely():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    parameter = Parameter('a', 1e-5, 1e-1, is_log=True)
    values = [parameter.suggest(study.ask()) for _ in range(200)]
    assert 0.4 < sum(value < 1e-3 for value in values) / 200 < 0.6


def test_equal_searches_have_equal_words():
    assert PARAMETERS[0].describe() == '0.001 to 0.1, log'
    assert len({parameter.describe() for parameter in PARAMETERS}) == len(PARAMETERS)
