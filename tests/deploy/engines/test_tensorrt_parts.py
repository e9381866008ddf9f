import pytest

from cpose.deploy.engines import flavors as tensorrt_parts
from cpose.deploy.engines.flavors import open_log, start_part
from cpose.errors import ConfigError

from ...user_errors import raises
from .fake_tensorrt import NULL_ERROR, make_module


@pytest.mark.parametrize(
    ('is_verbose', 'expected'),
    [(False, ['tensorrt: careful']), (True, ['tensorrt: careful', 'tensorrt: fine'])],
)
def test_errors_are_kept_and_the_rest_is_logged(monkeypatch, is_verbose, expected):
    said = []
    monkeypatch.setattr(tensorrt_parts, 'print_log', lambda text, **kwargs: said.append(text))
    log = open_log(make_module(), is_verbose)
    log.log('Severity.WARNING', 'careful')
    log.log('Severity.VERBOSE', 'fine')
    assert said == expected
    log.log('Severity.ERROR', ' wrong.\n')
    log.log('Severity.INTERNAL_ERROR', 'worse')
    assert log.take_errors() == 'wrong; worse.'
    assert log.take_errors() == 'it gives no reason.'


def test_all_parts_share_one_log():
    module = make_module()
    log = open_log(module, is_verbose=True)
    log.log('Severity.ERROR', 'old')
    assert open_log(module) is log
    assert log.take_errors() == 'it gives no reason.'
    assert not log.is_verbose


def test_a_part_that_does_not_start():
    def build(log):
        log.log('Severity.ERROR', 'CUDA initialization failure with error: 35')
        raise TypeError(NULL_ERROR)

    module = make_module(Builder=build)
    with raises(ConfigError, 'error: 35'):
        start_part(module, 'Builder', open_log(module))


def test_wrong_arguments_are_no_mistake_of_the_user():
    with pytest.raises(TypeError, match='takes 1 positional argument'):
        start_part(make_module(), 'Builder', 'network', 'log')
