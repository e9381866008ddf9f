import io
import os
import tarfile
import zlib

import pytest

from cpose.errors import DataError, OutputError
from cpose.tao.jobs import archives
from cpose.tao.jobs.archives import data_folder

from ...user_errors import raises


def pack(path, members):
    with tarfile.open(path, 'w:gz') as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return str(path)


def test_folders_stay(tmp_path):
    assert data_folder('somewhere', tmp_path) == 'somewhere'


def test_archive_is_extracted_once(tmp_path):
    archive = pack(
        tmp_path / 'train.tar.gz',
        {'a/0.png': b'one', 'a/0.json': b'{}', 'b': (tarfile.DIRTYPE, '')},
    )
    folder = data_folder(archive, tmp_path / 'out')
    assert os.path.dirname(folder) == str(tmp_path / 'out')
    content = tmp_path / folder / 'a/0.png'
    assert content.read_bytes() == b'one'
    content.write_bytes(b'kept')
    assert data_folder(archive, tmp_path / 'out') == folder
    assert content.read_bytes() == b'kept'
    assert len(list((tmp_path / 'out').iterdir())) == 1


def test_process_that_was_faster(tmp_path, monkeypatch):
    archive = pack(tmp_path / 'train.tar.gz', {'0.png': b'one'})
    extract = archives._extract

    def extract_twice(*places):
        monkeypatch.setattr(archives, '_extract', extract)
        data_folder(archive, tmp_path / 'out')
        extract(*places)

    monkeypatch.setattr(archives, '_extract', extract_twice)
    folder = data_folder(archive, tmp_path / 'out')
    assert [file.name for file in (tmp_path / folder).iterdir()] == ['0.png']
    assert len(list((tmp_path / 'out').iterdir())) == 1


def test_folder_that_cannot_be_renamed(tmp_path, monkeypatch):
    def refuse(folder, target):
        raise PermissionError(13, 'Permission denied')

    archive = pack(tmp_path / 'train.tar.gz', {'0.png': b'one'})
    monkeypatch.setattr(archives.Path, 'replace', refuse)
    with raises(OutputError, 'Permission denied', path=tmp_path / 'train.tar.gz'):
        data_folder(archive, tmp_path / 'out')
    assert list((tmp_path / 'out').iterdir()) == []


def test_changed_archive_is_extracted_anew(tmp_path):
    path = tmp_path / 'train.tar.gz'
    first = data_folder(pack(path, {'x': b'1'}), tmp_path / 'out')
    os.utime(path, (1, 1))
    assert data_folder(str(path), tmp_path / 'out') != first


@pytest.mark.parametrize(
    ('name', 'content', 'reason'),
    [
        ('../x', b'1', 'outside'),
        ('a/../../x', b'1', 'outside'),
        ('/tmp/x', b'1', 'outside'),
        ('x', (tarfile.SYMTYPE, '/etc/passwd'), 'link or device'),
        ('x', (tarfile.LNKTYPE, 'y'), 'link or device'),
        ('x', (tarfile.FIFOTYPE, ''), 'link or device'),
    ],
)
def test_dangerous_members(tmp_path, name, content, reason):
    archive = pack(tmp_path / 'a.tar.gz', {'good': b'1', name: content})
    with raises(DataError, repr(name), path=archive) as caught:
        data_folder(archive, tmp_path / 'out')
    assert reason in caught.value.problem
    assert list((tmp_path / 'out').iterdir()) == []


@pytest.mark.parametrize('keep', [0, 30, -1000])
def test_damaged_archive(tmp_path, keep):
    path = tmp_path / 'a.tar.gz'
    pack(path, {'x': os.urandom(5000)})
    path.write_bytes(path.read_bytes()[:keep] if keep else b'no archive')
    with raises(DataError, path=path) as caught:
        data_folder(str(path), tmp_path / 'out')
    assert isinstance(caught.value.__cause__, (tarfile.TarError, zlib.error, EOFError))
    assert list((tmp_path / 'out').iterdir()) == []


def test_missing_archive(tmp_path):
    with raises(DataError, path=tmp_path / 'none.tar.gz'):
        data_folder(str(tmp_path / 'none.tar.gz'), tmp_path)


def test_archive_that_grows_out_of_proportion(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, 'ALWAYS_ALLOWED', 1 << 20)
    archive = pack(tmp_path / 'train.tar.gz', {f'{n}.png': bytes(1 << 20) for n in range(5)})
    with raises(DataError, str(archives.MOST_GROWTH), path=archive):
        data_folder(archive, tmp_path / 'out')
    assert not list((tmp_path / 'out').iterdir())


def test_archive_of_endless_empty_files(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, 'ALWAYS_ALLOWED', 1 << 18)
    archive = pack(tmp_path / 'train.tar.gz', {f'{n:05d}': b'' for n in range(5000)})
    with raises(DataError, str(archives.MOST_GROWTH), path=archive):
        data_folder(archive, tmp_path / 'out')


def test_pictures_may_be_as_large_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, 'ALWAYS_ALLOWED', 0)
    archive = pack(tmp_path / 'train.tar.gz', {f'{n}.png': os.urandom(20_000) for n in range(3)})
    assert len(os.listdir(data_folder(archive, tmp_path / 'out'))) == 3


def test_header_that_claims_gigabytes(tmp_path):
    header = tarfile.TarInfo('pax')
    header.type, header.size = tarfile.XHDTYPE, 4 << 30
    path = tmp_path / 'train.tar'
    path.write_bytes(header.tobuf() + bytes(4096))
    with raises(DataError, f'{4 << 30:,}', path=str(path)):
        data_folder(str(path), tmp_path / 'out')


@pytest.mark.parametrize('mode', ['w', 'w:gz', 'w:bz2', 'w:xz'])
def test_compressions(tmp_path, mode):
    path = tmp_path / 'train.tar.gz'
    with tarfile.open(path, mode) as archive:
        archive.addfile(tarfile.TarInfo('0.png'))
    assert os.listdir(data_folder(str(path), tmp_path / 'out')) == ['0.png']
