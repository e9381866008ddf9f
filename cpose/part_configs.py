"""Configs of parts, completed by what the parts before them decide."""

from collections.abc import Mapping, Sequence
from typing import Any

from cpose.errors import ConfigError


def with_wiring(key: str, given: Mapping[str, Any], **wired: Any) -> dict[str, Any]:
    """Return the config of a part with the arguments that the parts before it decide.

    Args:
        key: Where the part is in the config, for the message.
        given: Its config.
        wired: Arguments by name.

    Raises:
        ConfigError: If the config has another value for one of them.
    """
    settings = dict(given)
    for name, value in wired.items():
        own = settings.get(name, value)
        is_list = isinstance(own, Sequence) and not isinstance(own, str)
        if (tuple(own) if is_list else own) != value:
            raise ConfigError(
                f'{key}.{name}={own} in the config, but the part before it has {value}. '
                'Leave the key out: it is filled in.'
            )
    return {**settings, **wired}
