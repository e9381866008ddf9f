"""Downloads against a server in a thread: cut off, continued, changed, refused."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from cpose.errors import CheckpointError, OutputError
from cpose.files import download as module
from cpose.files.download import download, why_unreachable
from cpose.files.user_cache import CACHE_VARIABLE, cache_folder, cached_path, file_sha256

from ..user_errors import raises
from .web_server import running_site

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = '/models/cup%20v2.pth'


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    for name in ('http_proxy', 'https_proxy', 'all_proxy'):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / 'cache'))
    return tmp_path / 'cache'


@pytest.fixture
def site():
    with running_site() as site:
        site.files[PATH] = CONTENT
        yield site


@pytest.fixture
def closed_port():
    with socket.socket() as reserved:
        reserved.bind(('127.0.0.1', 0))
        yield f'http://127.0.0.1:{reserved.getsockname()[1]}/a.pth'


@pytest.fixture
def silent():
    """A server that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(('127.0.0.1', 0))
        listening.listen()
        yield f'http://127.0.0.1:{listening.getsockname()[1]}/a.pth'


def gets(site):
    return [wanted for method, wanted in site.requests if method == 'GET']


def leftovers(cache):
    files = [path for path in cache.rglob('*') if path.is_file()]
    return sorted(path.suffix for path in files if path.suffix != '.lock')


def test_once(site, cache):
    file = download(site.url(PATH), SHA256)
    assert file.read_bytes() == CONTENT
    assert file.name == 'cup_v2.pth'
    assert download(site.url(PATH), SHA256.upper()) == file
    assert download(site.url(PATH)) == file
    assert gets(site) == [None]
    assert leftovers(cache) == ['.pth']


def test_addresses_do_not_share_files(cache):
    names = [
        'https://a.org/x.pth',
        'https://b.org/x.pth',
        'https://a.org/x.pth?v=2',
        'https://a/..',
    ]
    paths = [cached_path(name) for name in names]
    assert len(set(paths)) == 4
    assert [path.name for path in paths] == ['x.pth', 'x.pth', 'x.pth', 'file']
    assert all(path.is_relative_to(cache / 'weights') for path in paths)


def test_a_wrong_checksum_leaves_nothing(site, cache):
    with raises(CheckpointError, SHA256, path=site.url(PATH)):
        download(site.url(PATH), '0' * 64)
    assert leftovers(cache) == []


def test_a_file_with_a_new_checksum_is_fetched_again(site):
    download(site.url(PATH), SHA256)
    site.files[PATH] = b'new'
    new = hashlib.sha256(b'new').hexdigest()
    assert download(site.url(PATH), new).read_bytes() == b'new'


@pytest.mark.parametrize('validator', ['ETag', 'Last-Modified'])
def test_cut_connections_are_continued(site, validator):
    site.validator, site.cut_after = validator, [1000, 70_000]
    assert download(site.url(PATH)).read_bytes() == CONTENT
    assert gets(site) == [None, 'bytes=1000-', 'bytes=71000-']


def test_a_server_that_never_gets_further(site, cache):
    site.cut_after = [1000, 0, 0, 0]
    with raises(CheckpointError, f'1000 of {len(CONTENT)} bytes', path=site.url(PATH)):
        download(site.url(PATH))
    assert leftovers(cache) == ['.partial', '.validator']
    site.requests.clear()
    assert download(site.url(PATH)).read_bytes() == CONTENT
    assert gets(site) == ['bytes=1000-']


def test_a_file_that_changed_meanwhile_is_fetched_whole(site):
    site.cut_after = [1000, 0, 0, 0]
    with raises(CheckpointError):
        download(site.url(PATH))
    site.files[PATH] = new = CONTENT[::-1]
    assert download(site.url(PATH)).read_bytes() == new


def test_killed_before_the_first_byte_of_a_changed_file(site, monkeypatch):
    site.cut_after = [1000, 0, 0, 0]
    with raises(CheckpointError):
        download(site.url(PATH))
    site.files[PATH] = new = CONTENT[::-1]
    with monkeypatch.context() as killed:
        killed.setattr(module, '_copy', raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            download(site.url(PATH))
    assert download(site.url(PATH)).read_bytes() == new


def raise_interrupt(*_):
    raise KeyboardInterrupt


def test_what_cannot_be_told_apart_is_fetched_whole(site):
    site.validator, site.cut_after = '', [1000]
    assert download(site.url(PATH)).read_bytes() == CONTENT
    assert gets(site) == [None, None]


def test_a_checksum_tells_it_apart(site):
    site.validator, site.cut_after = '', [1000]
    assert download(site.url(PATH), SHA256).read_bytes() == CONTENT
    assert gets(site) == [None, 'bytes=1000-']


def test_a_server_without_ranges(site):
    site.has_ranges, site.cut_after = False, [1000]
    assert download(site.url(PATH), SHA256).read_bytes() == CONTENT
    assert gets(site) == [None, 'bytes=1000-']


def test_more_is_kept_than_there_is(site):
    partial = cached_path(site.url(PATH)).with_name('cup_v2.pth.partial')
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT + b'more')
    assert download(site.url(PATH), SHA256).read_bytes() == CONTENT


def test_no_such_file(site, cache):
    with raises(CheckpointError, '404', path=site.url('/other.pth')) as caught:
        download(site.url('/other.pth'))
    assert '\n' not in str(caught.value)
    assert leftovers(cache) == []


def test_no_network(closed_port, monkeypatch):
    start = time.monotonic()
    with raises(CheckpointError, 'refused', path=closed_port) as caught:
        download(closed_port)
    assert time.monotonic() - start < 2
    assert '\n' not in str(caught.value)


def test_a_server_that_says_nothing(silent, monkeypatch):
    monkeypatch.setattr(module, 'why_unreachable', lambda _: '')
    monkeypatch.setattr(module, 'TIMEOUT', 0.2)
    with raises(CheckpointError, 'timed out', path=silent):
        download(silent)


def test_a_cache_that_cannot_be_written(site, tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / 'file'))
    with raises(OutputError):
        download(site.url(PATH))


def test_a_full_disk_is_no_error_of_the_connection(site, monkeypatch):
    monkeypatch.setattr(os, 'fsync', lambda _: (_ for _ in ()).throw(OSError(28, 'No space left')))
    with raises(OutputError, 'No space left'):
        download(site.url(PATH))


@pytest.mark.slow
def test_processes_take_turns(site):
    """Four processes want the file at once; one fetches it."""
    site.files[PATH] = big = CONTENT * 20
    code = f'from cpose.files.download import download; print(download({site.url(PATH)!r}))'
    runs = [
        subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    paths = {run.communicate()[0].strip() for run in runs}
    assert paths == {str(cached_path(site.url(PATH)))}
    assert gets(site) == [None]
    assert file_sha256(cached_path(site.url(PATH))) == hashlib.sha256(big).hexdigest()


def test_where_the_cache_is(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / 'cache'
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv('XDG_CACHE_HOME', '/xdg')
    assert str(cache_folder()) == '/xdg/cpose'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', '/home/me')
    assert str(cache_folder()) == '/home/me/.cache/cpose'


def test_answers(site, closed_port, silent):
    assert why_unreachable(site.url('/nothing'), 2) == ''
    assert 'refused' in why_unreachable(closed_port, 2)
    start = time.monotonic()
    assert why_unreachable(silent, 0.2)
    assert time.monotonic() - start < 1


def test_names_that_are_looked_up_for_ever(monkeypatch):
    monkeypatch.setattr(module, 'urlopen', lambda *_, **__: threading.Event().wait())
    assert why_unreachable('http://example.invalid', 0.1) == 'no answer within 0.1 s'


def test_a_length_that_is_no_number(tmp_path):
    blocks = [b'abc', b'']
    answer = SimpleNamespace(headers={'Content-Length': 'x'}, read1=lambda _: blocks.pop(0))
    module._copy(answer, tmp_path / 'a', 0, lambda done, total: None)
    assert (tmp_path / 'a').read_bytes() == b'abc'
