import numpy as np
import pytest
from torch._utils import ExceptionWrapper

from cpose.errors import (
    ConfigError,
    DataError,
    MissingDependencyError,
    check_number,
    check_shape,
    import_extra,
    nearest_names,
    plain_message,
)


def test_message_from_a_worker_process():
    """What torch makes of an error in a data loader's worker is a traceback with the message."""
    try:
        raise DataError('a.json: field scale is missing.\nAdd it.')
    except DataError:
        wrapped = ExceptionWrapper(where='in DataLoader worker process 0')
    with pytest.raises(DataError) as caught:
        wrapped.reraise()
    assert 'Traceback' in str(caught.value)
    assert plain_message(caught.value) == 'a.json: field scale is missing.\nAdd it.'


def test_other_messages_stay():
    assert plain_message(DataError('Caught no fish.')) == 'Caught no fish.'
    assert plain_message(DataError('a: b')) == 'a: b'


def test_nearest_names():
    assert nearest_names('DLA43', ['FAN', 'DLA34']) == 'Nearest known: DLA34.'
    assert nearest_names('x', ['b', 'a']) == 'Known: a, b.'
    assert nearest_names('x', []) == 'Known: none.'
    assert nearest_names('?', map(str, range(100))).endswith('and 60 more.')


def test_shapes():
    check_shape('points', np.zeros((3, 2)), (None, 2))
    with pytest.raises(ValueError, match=r'points has shape \(3, 2\), expected \(\*, 3\)'):
        check_shape('points', np.zeros((3, 2)), (None, 3))


@pytest.mark.parametrize('value', [0, 8, 2.5, '3', None, True, float('nan'), float('inf')])
def test_numbers(value):
    check_number('a.side', 3, least=1, most=7, is_whole=True)
    says = (
        rf'side={value!r} \(config key a\.side\) must be a whole number of at least 1 and at most 7'
    )
    with pytest.raises(ConfigError, match=says):
        check_number('a.side', value, least=1, most=7, is_whole=True)


def test_numbers_above_a_bound():
    check_number('sigma', 1e-9, above=0)
    with pytest.raises(
        ConfigError, match=r'sigma=0 \(config key sigma\) must be a number above 0\. Say\.'
    ):
        check_number('sigma', 0, above=0, advice='Say.')


def test_import_of_an_extra(monkeypatch, tmp_path):
    assert import_extra('json', 'deploy').loads('1') == 1
    says = r"package no_such_package is not installed.*pip install 'cpose\[deploy\]'"
    with pytest.raises(MissingDependencyError, match=says):
        import_extra('no_such_package.part', 'deploy')
    (tmp_path / 'broken_package.py').write_text('import no_such_package')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match='no_such_package') as caught:
        import_extra('broken_package', 'deploy')
    assert not isinstance(caught.value, MissingDependencyError)
