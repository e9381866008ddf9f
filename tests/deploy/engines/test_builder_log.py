import pytest

from cpose.deploy.engines import builder_log
from cpose.deploy.engines.builder_log import make_builder_log

from .fake_tensorrt import make_module


@pytest.mark.parametrize(
    ('is_verbose', 'expected'),
    [(False, ['tensorrt: careful']), (True, ['tensorrt: careful', 'tensorrt: fine'])],
)
def test_errors_are_kept_and_the_rest_is_logged(monkeypatch, is_verbose, expected):
    said = []
    monkeypatch.setattr(builder_log, 'print_log', lambda text, **kwargs: said.append(text))
    log = make_builder_log(make_module(), is_verbose)
    log.log('Severity.WARNING', 'careful')
    log.log('Severity.VERBOSE', 'fine')
    assert said == expected
    log.log('Severity.ERROR', ' wrong\n')
    log.log('Severity.INTERNAL_ERROR', 'worse')
    assert log.errors == ['wrong', 'worse']
