import pytest

from cpose.errors import ConfigError
from cpose.files.encryption_key import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    current_key,
    environment_key,
    hide_key,
    use_key,
)

from ..user_errors import raises


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)


def test_no_key():
    assert current_key() is None
    assert hide_key('text') == 'text'


def test_key_holds_in_the_block_only():
    with use_key('outer'):
        with use_key('inner'):
            assert current_key() == 'inner'
        assert current_key() == 'outer'
    assert current_key() is None


def test_empty_key_is_none():
    with use_key(''):
        assert current_key() is None


def test_environment_counts_more(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, 'from outside')
    with use_key('from the spec'):
        assert current_key() == 'from outside'


def test_key_file(monkeypatch, tmp_path):
    (tmp_path / 'key').write_text('from a file\n')
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(tmp_path / 'key'))
    assert environment_key() == 'from a file'


@pytest.mark.parametrize(
    ('content', 'problem'), [(None, 'No such file'), (b' \n', 'empty'), (b'\xff\xfeA', 'no text')]
)
def test_bad_key_file(monkeypatch, tmp_path, content, problem):
    file = tmp_path / 'key'
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(file))
    with raises(ConfigError, problem, argument=KEY_FILE_VARIABLE, value=file):
        current_key()


def test_contradictory_environment(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, 'a secret')
    monkeypatch.setenv(KEY_FILE_VARIABLE, '/key')
    with raises(ConfigError, argument=f'{KEY_VARIABLE} and {KEY_FILE_VARIABLE}') as caught:
        current_key()
    assert 'a secret' not in str(caught.value)
    assert hide_key('still works') == 'still works'


def test_every_known_key_is_hidden(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, 'long secret')
    with use_key('long'):
        assert hide_key('a long secret and a long way') == 'a *** and a *** way'
