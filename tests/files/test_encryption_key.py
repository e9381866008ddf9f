import json
import shlex

import pytest

from cpose.errors import ConfigError
from cpose.files.encryption_key import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    current_key,
    environment_key,
    forget_keys,
    hide_key,
    hide_key_options,
    use_key,
)

from ..user_errors import raises


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    forget_keys()


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


def test_a_key_stays_hidden_after_its_use_and_in_quotes():
    key = 'it\'s "my\\secret" ünd\n'
    with pytest.raises(KeyError), use_key(key):
        raise KeyError(key)
    texts = (key, repr(key), json.dumps(key), shlex.quote(key), str({'key': key}))
    assert [hide_key(f'-{text}-').strip('-"\'') for text in texts[:4]] == ['***'] * 4
    assert 'secret' not in hide_key(texts[4])
    forget_keys()
    assert hide_key(key) == key


def test_options_that_give_a_key():
    words = ['tao', 'train', 'encryption_key=abc', '--encryption-key', 'abc', 'a=abc']
    hidden = ['tao', 'train', 'encryption_key=***', '--encryption-key', '***', 'a=abc']
    assert hide_key_options(words) == hidden
    assert hide_key_options(['--encryption-key=a=b']) == ['--encryption-key=***']
