"""The encryption key: where it comes from, and how a file tells whether it is the right one."""

import hmac
import json
import os
import shlex
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from cpose.errors import ConfigError
from cpose.files.text_files import decode_text
from cpose.optional_packages import import_extra

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

KEY_VARIABLE = 'CPOSE_ENCRYPTION_KEY'
KEY_FILE_VARIABLE = 'CPOSE_ENCRYPTION_KEY_FILE'
HIDDEN = '***'
HOW_TO_GIVE = (
    f'Give it as encryption_key in the spec, in the environment variable {KEY_VARIABLE}, '
    f'or in a file that {KEY_FILE_VARIABLE} names.'
)

_given: ContextVar[str | None] = ContextVar('encryption_key', default=None)
_noted: set[str] = set()
"""All keys that this process was given, so that no message shows one after its use either."""


@contextmanager
def use_key(key: str | None) -> Iterator[None]:
    """Encrypt and decrypt with this key in the block, unless the environment gives one."""
    note_key(key)
    token = _given.set(key or None)
    try:
        yield
    finally:
        _given.reset(token)


def current_key() -> str | None:
    """Return the key, or None if there is none; the environment counts more than `use_key`.

    Raises:
        ConfigError: If the environment is contradictory or its key file cannot be read.
    """
    return environment_key() or _given.get()


def environment_key() -> str | None:
    """Return the key that the environment gives, or None.

    Raises:
        ConfigError: If both variables are set, or the file is unreadable or empty.
    """
    key, file = os.environ.get(KEY_VARIABLE), os.environ.get(KEY_FILE_VARIABLE)
    if key and file:
        raise ConfigError(
            'are both set in the environment',
            argument=f'{KEY_VARIABLE} and {KEY_FILE_VARIABLE}',
            advice='Unset one',
        )
    return _read_key(Path(file)) if file else key or None


def note_key(key: object) -> None:
    """Let `hide_key` know of a key that the user gave; none and what is no text are left out."""
    if isinstance(key, str) and key:
        _noted.add(key)


def forget_keys() -> None:
    """Begin a command: what was given before it belongs to others."""
    _noted.clear()


def hide_key(text: str) -> str:
    """Return a text with all keys that are in it, as they are or quoted, made unreadable."""
    keys = {*_noted, _given.get()}
    with suppress(ConfigError):
        keys.add(environment_key())
    forms = {
        form
        for key in filter(None, keys)
        for form in (key, repr(key)[1:-1], json.dumps(key)[1:-1], shlex.quote(key))
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def hide_key_options(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with what options or overrides give as the key hidden."""
    hidden = []
    is_next = False
    for word in words:
        name, equals, _ = word.partition('=')
        is_key = name.lstrip('-+').replace('-', '_').lower() == 'encryption_key'
        hidden.append(HIDDEN if is_next else f'{name}={HIDDEN}' if is_key and equals else word)
        is_next = is_key and not equals
    return hidden


def _read_key(file: Path) -> str:
    try:
        key = decode_text(file.read_bytes()).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else 'it is no text'
        raise ConfigError(
            f'holds no encryption key that can be read: {reason}',
            argument=KEY_FILE_VARIABLE,
            value=file,
            advice='Name a readable text file in this environment variable',
        ) from error
    if not key:
        raise ConfigError(
            'is an empty file',
            argument=KEY_FILE_VARIABLE,
            value=file,
            advice='Write the encryption key in it',
        )
    return key


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
