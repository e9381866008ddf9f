"""Where the encryption key comes from; it is kept in memory and in no config."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from cpose.errors import ConfigError

KEY_VARIABLE = 'CPOSE_ENCRYPTION_KEY'
KEY_FILE_VARIABLE = 'CPOSE_ENCRYPTION_KEY_FILE'
HIDDEN = '***'
HOW_TO_GIVE = (
    f'Give it as encryption_key in the spec, in the environment variable {KEY_VARIABLE}, '
    f'or in a file that {KEY_FILE_VARIABLE} names.'
)

_given: ContextVar[str | None] = ContextVar('encryption_key', default=None)


@contextmanager
def use_key(key: str | None) -> Iterator[None]:
    """Encrypt and decrypt with this key in the block, unless the environment gives one."""
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


def hide_key(text: str) -> str:
    """Return a text with the key, should it be in there, made unreadable."""
    keys = {_given.get()}
    with suppress(ConfigError):
        keys.add(environment_key())
    for key in sorted(filter(None, keys), key=len, reverse=True):
        text = text.replace(key, HIDDEN)
    return text


def _read_key(file: Path) -> str:
    try:
        key = file.read_text(encoding='utf-8').strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else 'it is not UTF-8 text'
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
