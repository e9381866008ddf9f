from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from unittest.mock import Mock

import pytest
import sqlalchemy

from cpose.errors import ConfigError, OutputError
from cpose.tao.automl.study import hide_password, open_storage, storage_url


def test_sqlite_in_the_folder_by_default(tmp_path):
    url = storage_url('', tmp_path / 'automl')
    assert url == f'sqlite:///{tmp_path}/automl/study.db'
    open_storage(url, 'line 1', print)
    assert (tmp_path / 'automl/study.db').is_file()
    assert storage_url('mysql://host/name', tmp_path) == 'mysql://host/name'


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OutputError, match='file/automl cannot be made'):
        storage_url('', tmp_path / 'file/automl')


UNREADABLE = {
    'no URL': ('study', 'Could not parse'),
    'no such database': ('nosuch://host/name', 'nosuch'),
    'no folder': ('sqlite:////no/such/folder/study.db', 'unable to open database file'),
    'no driver': ('oracle+cx_oracle://user:geheim@host/name', 'cx_Oracle'),
}


@pytest.mark.parametrize('kind', UNREADABLE)
def test_unreadable_storage(kind):
    url, says = UNREADABLE[kind]
    with pytest.raises(ConfigError, match=rf'line 7: automl\.storage=.*cannot be opened: .*{says}'):
        open_storage(url, 'line 7', print)


def test_file_that_is_no_database(tmp_path):
    (tmp_path / 'study.db').write_text('this is text, and long enough to be looked at' * 10)
    with pytest.raises(ConfigError, match='not a database'):
        open_storage(f'sqlite:///{tmp_path}/study.db', 'line 7', print)


@pytest.mark.parametrize('url', ['postgresql://user:geheim@host/name', 'user:geheim@host'])
def test_passwords_are_hidden(url):
    assert 'geheim' not in hide_password(url)
    with pytest.raises(ConfigError) as caught:
        open_storage(url, 'line 7', print)
    assert 'geheim' not in str(caught.value)


@pytest.mark.slow
def test_made_by_several_at_the_same_time(tmp_path):
    barrier = Barrier(8)

    def open_at_once(url):
        barrier.wait()
        return open_storage(url, 'line 7', print)

    with ThreadPoolExecutor(8) as pool:
        for number in range(3):
            storages = list(pool.map(open_at_once, [f'sqlite:///{tmp_path}/{number}.db'] * 8))
            assert [len(storage.get_all_studies()) for storage in storages] == [0] * 8


def test_made_by_others_again_and_again(monkeypatch):
    monkeypatch.setattr('cpose.tao.automl.study.MOST_TRIES', 2)
    error = sqlalchemy.exc.IntegrityError('INSERT', {}, Exception('UNIQUE constraint failed'))
    tries = Mock(side_effect=error)
    monkeypatch.setattr('optuna.storages.RDBStorage', tries)
    with pytest.raises(ConfigError, match='UNIQUE constraint failed'):
        open_storage('sqlite://', 'line 7', print)
    assert tries.call_count == 3
