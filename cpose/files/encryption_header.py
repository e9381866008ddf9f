"""First bytes of an encrypted file: how the key is derived, and whether it is the right one.

Layout, big endian: magic (8), format version (1), log2 of scrypt's n (1), r (1), p (1), bytes in a
block (4), salt (16), nonce prefix (7), verifier (16), CRC-32 of all before (4).
The verifier is the end of what scrypt gives; the start is the key of AES-256-GCM.
"""

import hmac
import os
import struct
import zlib
from dataclasses import dataclass

from cpose.errors import import_extra

MAGIC = b'CPOSEENC'
VERSION = 1
LAYOUT = struct.Struct('>8sBBBBI16s7s16s')
CHECKSUM = struct.Struct('>I')
HEADER_BYTES = LAYOUT.size + CHECKSUM.size
KEY_BYTES = 32
VERIFIER_BYTES = 16
BLOCK_BYTES = 1 << 20
LOG2_N, R, P = 16, 8, 1
"""Costs of scrypt: 64 MB of memory for a guess."""
MOST_LOG2_N, MOST_R, MOST_P, MOST_BLOCK_BYTES = 20, 16, 4, 1 << 26
"""Limits, so that a forged header cannot exhaust the memory."""


class BrokenHeaderError(ValueError):
    """The header is damaged or of another version."""


class WrongKeyError(ValueError):
    """The header is intact and the key does not fit."""


@dataclass(frozen=True)
class FileHeader:
    """What stands at the start of an encrypted file.

    Attributes:
        log2_n: Cost of scrypt, as a power of two.
        r: Block size of scrypt.
        p: Parallelism of scrypt.
        block_bytes: Plain bytes in every block but the last.
        salt: 16 bytes.
        nonce_prefix: 7 bytes.
        verifier: 16 bytes that the right key derives.
    """

    log2_n: int
    r: int
    p: int
    block_bytes: int
    salt: bytes
    nonce_prefix: bytes
    verifier: bytes

    @classmethod
    def create(cls, key: str) -> tuple['FileHeader', bytes]:
        """Return a new header with fresh salt and nonces, and the derived key (32 bytes)."""
        salt = os.urandom(16)
        derived = _scrypt(key, salt, LOG2_N, R, P)
        secret, verifier = derived[:KEY_BYTES], derived[KEY_BYTES:]
        return cls(LOG2_N, R, P, BLOCK_BYTES, salt, os.urandom(7), verifier), secret

    @classmethod
    def parse(cls, data: bytes) -> 'FileHeader':
        """Read the first `HEADER_BYTES` of a file.

        Raises:
            BrokenHeaderError: If they are damaged or of another version.
        """
        if len(data) < HEADER_BYTES:
            raise BrokenHeaderError('its header is cut off')
        body, (checksum,) = data[: LAYOUT.size], CHECKSUM.unpack(data[LAYOUT.size : HEADER_BYTES])
        if zlib.crc32(body) != checksum:
            raise BrokenHeaderError('its header is damaged')
        magic, version, *values = LAYOUT.unpack(body)
        if magic != MAGIC or version != VERSION:
            raise BrokenHeaderError(f'its format has version {version}, known is {VERSION}')
        header = cls(*values)
        limits = (MOST_LOG2_N, MOST_R, MOST_P, MOST_BLOCK_BYTES)
        costs = (header.log2_n, header.r, header.p, header.block_bytes)
        if not all(1 <= cost <= most for cost, most in zip(costs, limits, strict=True)):
            raise BrokenHeaderError(f'its header asks for costs {costs}, allowed are {limits}')
        return header

    def to_bytes(self) -> bytes:
        """Return the bytes of the header."""
        costs = (self.log2_n, self.r, self.p, self.block_bytes)
        body = LAYOUT.pack(MAGIC, VERSION, *costs, self.salt, self.nonce_prefix, self.verifier)
        return body + CHECKSUM.pack(zlib.crc32(body))

    def derive(self, key: str) -> bytes:
        """Return the derived key (32 bytes).

        Raises:
            WrongKeyError: If it is not the one that the file was written with.
        """
        derived = _scrypt(key, self.salt, self.log2_n, self.r, self.p)
        if not hmac.compare_digest(derived[KEY_BYTES:], self.verifier):
            raise WrongKeyError('the key does not fit')
        return derived[:KEY_BYTES]

    def nonce(self, index: int, is_last: bool) -> bytes:
        """Return the nonce (12 bytes) of a block."""
        return self.nonce_prefix + index.to_bytes(4, 'big') + bytes([is_last])


def _scrypt(key: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    scrypt = import_extra('cryptography.hazmat.primitives.kdf.scrypt', 'tao').Scrypt
    length = KEY_BYTES + VERIFIER_BYTES
    derived: bytes = scrypt(salt=salt, length=length, n=1 << log2_n, r=r, p=p).derive(key.encode())
    return derived
