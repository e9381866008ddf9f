"""Tell where in a config is what a part of it could not be built from."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from mmengine.config import Config

from cpose.apis.config_check import typed_nodes
from cpose.errors import ConfigError, UserError

BUILDER_MODULE = 'mmengine.registry.build_functions'


@contextmanager
def named_build_errors(config: Config) -> Iterator[None]:
    """Turn errors of building parts of a config into errors of the user.

    These are: a part without ``type``, a call with missing arguments, and any value that the part
    refuses with a ``ValueError`` while it is built. Errors from anywhere else pass unchanged.

    Args:
        config: What is built inside the context.

    Raises:
        ConfigError: Naming the config, the part and the reason.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        builders = [frame for frame in frames if _is_builder(frame)]
        is_of_call = frames[-1] in builders
        if isinstance(error, UserError) or not builders:
            raise
        if not is_of_call and not isinstance(error, ValueError):
            raise
        part = builders[-1].f_locals.get('cfg')
        raise ConfigError(
            f'Config {config.filename or ""} cannot be built: {_describe(part, config)}'
            f'{_reason(error)}. Correct the value, or add what is missing.'
        ) from error


def _is_builder(frame: FrameType) -> bool:
    return frame.f_globals.get('__name__') == BUILDER_MODULE


def _describe(part: Any, config: Config) -> str:
    """Return the type of a part and the keys under which parts of this type are."""
    kind = part.get('type') if hasattr(part, 'get') else None
    if kind is None:
        return ''
    keys = [path for path, node in typed_nodes(config.to_dict()) if node['type'] == kind]
    return f'{kind} (config key {" or ".join(keys)}): ' if keys else f'{kind}: '


def _reason(error: Exception) -> str:
    text = str(error.args[0] if error.args else error)
    if 'must contain the key "type"' in text:
        part = text.partition('but got ')[2].rpartition('\n')[0]
        return f'a part has no key "type": {part}'
    return text.rstrip('.')
