"""Model files that are encrypted if there is a key, and read whether they are or not.

The plain bytes are cut into blocks, each sealed with AES-256-GCM; the nonce holds the number of the
block and whether it is the last, so blocks cannot be exchanged, left out or cut off. At the end
stands how long the file is, so that a cut-off file is known without the key.
Source: Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", section 7 (the STREAM construction).
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError, unreadable
from cpose.files.encryption_key import (
    HEADER_BYTES,
    HOW_TO_GIVE,
    MAGIC,
    BrokenHeaderError,
    FileHeader,
    WrongKeyError,
    current_key,
)
from cpose.optional_packages import import_extra

TAG_BYTES = 16
END = struct.Struct('>8sQ')
END_MARK = b'CPOSEEND'
MEMORY_FOLDER = '/dev/shm'
COPY_AGAIN = 'Copy or download it again.'


class EncryptingWriter:
    """A file to write to that seals what it is given, block by block; nothing plain reaches disk.

    Args:
        file: Where the sealed bytes go.
        key: Any text.
    """

    def __init__(self, file: BinaryIO, key: str) -> None:
        header, secret = FileHeader.create(key)
        self._file, self._header = file, header
        self._prologue = header.to_bytes()
        self._cipher = _cipher(secret)
        self._pending = bytearray()
        self._blocks = 0
        self._written = file.write(self._prologue)

    def write(self, data: Any) -> int:
        """Take bytes."""
        self._pending += data
        size = self._header.block_bytes
        while len(self._pending) > size:
            self._seal(bytes(self._pending[:size]), is_last=False)
            del self._pending[:size]
        return len(data)

    def flush(self) -> None:
        """Do nothing: a block is written when it is full."""

    def finish(self) -> None:
        """Write the last block and the end."""
        self._seal(bytes(self._pending), is_last=True)
        self._pending.clear()
        self._file.write(END.pack(END_MARK, self._written + END.size))

    def _seal(self, block: bytes, is_last: bool) -> None:
        nonce = self._header.nonce(self._blocks, is_last)
        self._written += self._file.write(self._cipher.encrypt(nonce, block, self._prologue))
        self._blocks += 1


@contextmanager
def protected(file: BinaryIO) -> Iterator[Any]:
    """Yield what to write a model to: ``file`` itself, or with a key one that encrypts into it."""
    key = current_key()
    if key is None:
        yield file
        return
    writer = EncryptingWriter(file, key)
    yield writer
    writer.finish()


def sealed_bytes(content: bytes) -> bytes:
    """Return what to write in place of the content of a model: encrypted if there is a key."""
    file = BytesIO()
    with protected(file) as sealed:
        sealed.write(content)
    return file.getvalue()


@contextmanager
def scratch_folder() -> Iterator[str]:
    """Yield a folder for models that other programs want as files; with a key it is in memory.

    Raises:
        ConfigError: If there is a key and no folder in memory.
    """
    if current_key() is not None and not os.access(MEMORY_FOLDER, os.W_OK):
        raise ConfigError(
            'cannot be written to, where plain models may be for a moment with an encryption key',
            place=FilePlace(MEMORY_FOLDER),
            advice=('Mount it as tmpfs', 'Give no key'),
        )
    with TemporaryDirectory(dir=None if current_key() is None else MEMORY_FOLDER) as folder:
        yield folder


def is_encrypted(path: str | Path) -> bool:
    """Whether a file starts like one that `protected` wrote with a key."""
    with Path(path).open('rb') as file:
        return file.read(len(MAGIC)) == MAGIC


def is_complete(path: str | Path) -> bool:
    """Whether an encrypted file has its end; needs no key."""
    size = os.stat(path).st_size
    if size < HEADER_BYTES + TAG_BYTES + END.size:
        return False
    with Path(path).open('rb') as file:
        file.seek(-END.size, os.SEEK_END)
        return is_encrypted(path) and END.unpack(file.read()) == (END_MARK, size)


def read_model_bytes(path: str | Path) -> bytes:
    """Return the content of a model file, decrypted if it is encrypted.

    Raises:
        CheckpointError: If it cannot be read, or is encrypted and there is no key, the key is
            wrong, or it is cut off or damaged.
    """
    try:
        if not is_encrypted(path):
            return Path(path).read_bytes()
        return _decrypt(Path(path))
    except OSError as error:
        raise unreadable(path, error, CheckpointError) from error


def _decrypt(path: Path) -> bytes:
    if not is_complete(path):
        raise CheckpointError(
            f'is encrypted and cut off after {path.stat().st_size} bytes',
            place=FilePlace(path),
            advice=COPY_AGAIN,
        )
    with path.open('rb') as file:
        header, secret = _open_header(path, file.read(HEADER_BYTES))
        return _decrypt_blocks(path, file, header, _cipher(secret))


def _open_header(path: Path, data: bytes) -> tuple[FileHeader, bytes]:
    key = current_key()
    if key is None:
        raise CheckpointError(
            'is encrypted and no key is given', place=FilePlace(path), advice=HOW_TO_GIVE
        )
    try:
        header = FileHeader.parse(data)
        return header, header.derive(key)
    except BrokenHeaderError as error:
        raise CheckpointError(
            f'is encrypted and {error}; whether the key is right cannot be told',
            place=FilePlace(path),
            advice=COPY_AGAIN,
        ) from error
    except WrongKeyError as error:
        raise CheckpointError(
            'is encrypted with another key than the given one',
            place=FilePlace(path),
            advice=HOW_TO_GIVE,
        ) from error


def _decrypt_blocks(path: Path, file: BinaryIO, header: FileHeader, cipher: Any) -> bytes:
    broken = import_extra('cryptography.exceptions', 'tao').InvalidTag
    prologue, plain = header.to_bytes(), bytearray()
    left = path.stat().st_size - HEADER_BYTES - END.size
    index = 0
    while left > 0:
        block = file.read(min(left, header.block_bytes + TAG_BYTES))
        left -= len(block)
        try:
            plain += cipher.decrypt(header.nonce(index, left == 0), block, prologue)
        except broken as error:
            raise CheckpointError(
                f'is damaged or was changed in block {index + 1} (of {header.block_bytes} bytes), '
                'although the key is right',
                place=FilePlace(path),
                advice=COPY_AGAIN,
            ) from error
        index += 1
    return bytes(plain)


def _cipher(secret: bytes) -> Any:
    return import_extra('cryptography.hazmat.primitives.ciphers.aead', 'tao').AESGCM(secret)
