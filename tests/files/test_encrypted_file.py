import os

import pytest

from cpose.errors import CheckpointError
from cpose.files import encryption_key as file_header
from cpose.files.encrypted_file import (
    END,
    TAG_BYTES,
    is_complete,
    is_encrypted,
    protected,
    read_model_bytes,
    sealed_bytes,
)
from cpose.files.encryption_key import (
    HEADER_BYTES,
    HOW_TO_GIVE,
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    use_key,
)

from ..user_errors import raises

pytest.importorskip('cryptography')

BLOCK = 64


@pytest.fixture(autouse=True)
def _small_blocks_and_no_key(monkeypatch):
    monkeypatch.setattr(file_header, 'BLOCK_BYTES', BLOCK)
    monkeypatch.setattr(file_header, 'LOG2_N', 4)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)


def written(file, content, pieces=1):
    with use_key('secret'), file.open('wb') as stream, protected(stream) as sealed:
        for start in range(pieces):
            assert sealed.write(content[start::pieces]) == len(content[start::pieces])
    return file


@pytest.mark.parametrize('length', [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK, 5 * BLOCK + 7])
def test_round_trip(tmp_path, length):
    content = os.urandom(length)
    file = written(tmp_path / 'model.pth', content)
    assert is_encrypted(file)
    assert is_complete(file)
    with use_key('secret'):
        assert read_model_bytes(file) == content


def test_small_writes_are_collected(tmp_path):
    content = os.urandom(10 * BLOCK)
    file = written(tmp_path / 'model.pth', content, pieces=97)
    blocks = (file.stat().st_size - HEADER_BYTES - END.size - len(content)) / TAG_BYTES
    assert blocks == 10
    with use_key('secret'):
        assert sorted(read_model_bytes(file)) == sorted(content)


def test_content_does_not_show(tmp_path):
    file = written(tmp_path / 'model.pth', b'state_dict' * 100)
    assert b'state_dict' not in file.read_bytes()
    assert b'secret' not in file.read_bytes()


def test_same_content_never_looks_the_same():
    with use_key('secret'):
        first, second = (sealed_bytes(bytes(1000)) for _ in range(2))
    assert first[HEADER_BYTES : -END.size] != second[HEADER_BYTES : -END.size]


def test_without_a_key_nothing_changes(tmp_path):
    assert sealed_bytes(b'content') == b'content'
    file = tmp_path / 'model.pth'
    file.write_bytes(b'content')
    assert not is_encrypted(file)
    assert not is_complete(file)
    with use_key('secret'):
        assert read_model_bytes(file) == b'content'


def flip(position):
    def damage(data):
        data[position] ^= 1

    return damage


def swap_blocks(data):
    size = BLOCK + TAG_BYTES
    first, second = HEADER_BYTES, HEADER_BYTES + size
    data[first:second], data[second : second + size] = (
        data[second : second + size],
        data[first:second],
    )


def drop_last_block(data):
    """Cut at a block border and forge the end."""
    size = len(data) - END.size - BLOCK - TAG_BYTES
    data[size:] = END.pack(b'CPOSEEND', size + END.size)


DAMAGES = {
    'salt': (flip(20), 'header'),
    'first block': (flip(HEADER_BYTES + 5), 'block 1 '),
    'last block': (flip(-END.size - 1), 'block 4 '),
    'exchanged': (swap_blocks, 'block 1 '),
    'shortened': (drop_last_block, 'block 3 '),
    'cut off': (lambda data: data.__delitem__(slice(200, None)), 'cut off after 200 bytes'),
    'tiny': (lambda data: data.__delitem__(slice(10, None)), 'cut off after 10 bytes'),
    'longer': (lambda data: data.append(0), 'cut off after'),
}


@pytest.mark.parametrize('kind', DAMAGES)
def test_damage_is_told_apart(tmp_path, kind):
    damage, says = DAMAGES[kind]
    file = written(tmp_path / 'model.pth', os.urandom(4 * BLOCK))
    data = bytearray(file.read_bytes())
    damage(data)
    file.write_bytes(data)
    with use_key('secret'), raises(CheckpointError, says, path=file):
        read_model_bytes(file)


def test_no_key_and_wrong_key(tmp_path):
    file = written(tmp_path / 'model.pth', b'content')
    with raises(CheckpointError, advice=(HOW_TO_GIVE,), path=file):
        read_model_bytes(file)
    with use_key('other'), raises(CheckpointError, advice=(HOW_TO_GIVE,)) as caught:
        read_model_bytes(file)
    assert 'other' not in str(caught.value).replace('another', '')


def test_missing_file(tmp_path):
    with raises(CheckpointError, 'No such file', path=tmp_path / 'none.pth'):
        read_model_bytes(tmp_path / 'none.pth')
