"""Configs of parts, completed by what the parts before them decide."""

from collections.abc import Mapping, Sequence
from typing import Any

from cpose.errors import ConfigError


def with_wiring(part: str, given: Mapping[str, Any], **wired: Any) -> dict[str, Any]:
    """Return the config of a part with the arguments that the parts before it decide.

    Args:
        part: Argument of the caller that the config was given as, for the message.
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
                f'does not fit the part before it, which has {value}',
                argument=f'{part}.{name}',
                value=own,
                advice='Leave it out: it is filled in',
            )
    return {**settings, **wired}
