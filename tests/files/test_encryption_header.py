import struct
import zlib
from dataclasses import replace

import pytest

from cpose.files.encryption_key import (
    HEADER_BYTES,
    LAYOUT,
    BrokenHeaderError,
    FileHeader,
    WrongKeyError,
)

pytest.importorskip('cryptography')


@pytest.fixture(scope='module')
def created():
    return FileHeader.create('key')


def test_round_trip(created):
    header, secret = created
    data = header.to_bytes()
    assert len(data) == HEADER_BYTES
    assert FileHeader.parse(data + b'rest') == header
    assert header.derive('key') == secret
    assert len(secret) == 32


def test_derivation_is_scrypt(created):
    import hashlib

    header, secret = created
    expected = hashlib.scrypt(
        b'key', salt=header.salt, n=2**header.log2_n, r=8, p=1, dklen=48, maxmem=2**27
    )
    assert secret + header.verifier == expected


def test_salt_and_nonces_are_fresh(created):
    other = FileHeader.create('key')
    assert other[0].salt != created[0].salt
    assert other[0].nonce_prefix != created[0].nonce_prefix
    assert other[1] != created[1]


def test_wrong_key(created):
    with pytest.raises(WrongKeyError):
        created[0].derive('Key')


def test_nonces_differ_by_block_and_end(created):
    header = created[0]
    nonces = {header.nonce(0, False), header.nonce(0, True), header.nonce(1, False)}
    assert len(nonces) == 3
    assert {len(nonce) for nonce in nonces} == {12}


@pytest.mark.parametrize('position', [0, 9, 20, 40, HEADER_BYTES - 1])
def test_every_damage_is_seen(created, position):
    data = bytearray(created[0].to_bytes())
    data[position] ^= 1
    with pytest.raises(BrokenHeaderError, match='damaged'):
        FileHeader.parse(bytes(data))


def test_cut_off(created):
    with pytest.raises(BrokenHeaderError, match='cut off'):
        FileHeader.parse(created[0].to_bytes()[:-1])


def test_forged_costs_are_refused(created):
    header = replace(created[0], log2_n=40)
    with pytest.raises(BrokenHeaderError, match='asks for costs'):
        FileHeader.parse(header.to_bytes())


def test_other_version(created):
    body = bytearray(created[0].to_bytes()[: LAYOUT.size])
    body[8] = 2
    with pytest.raises(BrokenHeaderError, match='version 2, known is 1'):
        FileHeader.parse(bytes(body) + struct.pack('>I', zlib.crc32(bytes(body))))
