"""Tell where in a config is what a part of it could not be built from."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from mmengine.config import Config

from cpose.apis.config.check import typed_nodes
from cpose.errors import ConfigError, UserError

BUILDER_MODULE = 'mmengine.registry.build_functions'
REFUSALS = (AssertionError, RuntimeError, TypeError, ValueError)
"""How constructors fail at a value that is no use."""


@contextmanager
def named_build_errors(config: Config) -> Iterator[None]:
    """Turn errors of building parts of a config into errors of the user.

    These are: a part without ``type``, a call with missing arguments, and any value at which a part
    fails with one of `REFUSALS` while it is built. Errors from anywhere else pass unchanged, and so
    does a RuntimeError of the runner itself, which sets up devices and processes.

    Args:
        config: What is built inside the context.

    Raises:
        ConfigError: Naming the config, the part and the reason.
    """
    try:
        yield
    except (KeyError, *REFUSALS) as error:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        builders = [frame for frame in frames if _is_builder(frame)]
        if isinstance(error, UserError) or not builders:
            raise
        is_of_call = frames[-1] in builders
        built = builders[-1].f_locals.get('cfg')
        part: Mapping[str, Any] = built if isinstance(built, Mapping) else {}
        kind = part.get('type')
        is_of_device = kind is None and isinstance(error, RuntimeError)
        if not is_of_call and (isinstance(error, KeyError) or is_of_device):
            raise
        reason = _reason(error) if is_of_call else _reason(error, frames[-1])
        raise ConfigError(
            f'Config {config.filename or ""} cannot be built: {_describe(part, config)}'
            f'{reason}. Correct the value, or add what is missing.'
        ) from error


def _is_builder(frame: FrameType) -> bool:
    return frame.f_globals.get('__name__') == BUILDER_MODULE


def _describe(part: Mapping[str, Any], config: Config) -> str:
    """Return the type of a part, the keys under which parts of this type are, and its values."""
    kind = part.get('type')
    if kind is None:
        return ''
    keys = [path for path, node in typed_nodes(config.to_dict()) if node['type'] == kind]
    name = f'{kind} (config key {" or ".join(keys)})' if keys else f'{kind}'
    values = [f'{key}={value!r}' for key, value in part.items() if _is_plain(key, value)]
    return f'{name} with {", ".join(values)}: ' if values else f'{name}: '


def _is_plain(key: str, value: Any) -> bool:
    """Whether a setting is a text, a number, a few of them, or None."""
    items = value if isinstance(value, list | tuple) else [value]
    return key != 'type' and all(isinstance(item, str | int | float | None) for item in items)


def _reason(error: Exception, frame: FrameType | None = None) -> str:
    """Return the message of an error, with its place if nobody meant it for the user."""
    text = str(error.args[0] if error.args else error)
    if frame is not None and not (text and isinstance(error, ValueError | AssertionError)):
        place = f'{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}'
        return f'{text.rstrip(".")} ({type(error).__name__} in {place})'
    if 'must contain the key "type"' in text:
        part = text.partition('but got ')[2].rpartition('\n')[0]
        return f'a part has no key "type": {part}'
    return text.rstrip('.')
