"""Know, while the parts of a config are built, where in the config each of them is.

Constructors name their argument only. The registries of this project and the runner tell what they
are about to build; an error that leaves a part gets the keys under which the part is in the config.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cpose.error_places import ConfigPlace, shown
from cpose.errors import ConfigError, UserError, nearest_names

REFUSALS = (
    *(ArithmeticError, AssertionError, AttributeError, RuntimeError, TypeError, ValueError),
)
"""How constructors fail at a value that is no use."""
MOST_VALUES = 8
"""Settings of a part that a message shows."""

Nodes = list[tuple[str, Mapping[str, Any]]]

_config: ContextVar[Any] = ContextVar('config', default=None)
_parts: ContextVar[tuple[Any, ...]] = ContextVar('parts', default=())


@contextmanager
def building(config: Any) -> Iterator[None]:
    """Build parts of a config; what a part fails at becomes an error of the user.

    Args:
        config: The whole config, MMEngine's or a mapping.

    Raises:
        ConfigError: If a part has no ``type``, misses an argument, or fails with one of `REFUSALS`
            while it is built. Errors from anywhere else pass unchanged.
    """
    before = _config.set(config)
    parts = _parts.set(())
    try:
        yield
    finally:
        _parts.reset(parts)
        _config.reset(before)


@contextmanager
def building_part(part: Any, built: Any = None, config: Any = None) -> Iterator[None]:
    """Build one part, inside of the part that is being built, if there is one.

    Args:
        part: Its config; anything but a mapping is no part and changes nothing.
        built: Its class or function, if it is known.
        config: The whole config, if no `building` has told it.

    Raises:
        ConfigError: See `building`; outside of it only errors of the user are completed.
    """
    if not isinstance(part, Mapping):
        yield
        return
    whole = _config.set(_config.get() if config is None else _config.get() or config)
    token = _parts.set((*_parts.get(), dict(part)))
    try:
        yield
    except UserError as error:
        _complete(error, built)
        raise
    except REFUSALS as error:
        is_of_device = isinstance(error, RuntimeError) and 'type' not in part
        if _config.get() is None or is_of_device:
            raise
        raise _refusal(dict(part), error) from error
    finally:
        _parts.reset(token)
        _config.reset(whole)


def with_place(build: Callable[..., Any]) -> Callable[..., Any]:
    """Return the build function of a registry that tells what it builds."""

    def build_part(config: Any, *args: Any, registry: Any, **kwargs: Any) -> Any:
        part = config if isinstance(config, Mapping) else getattr(config, '_cfg_dict', {})
        kind = part.get('type')
        built = registry.get(kind) if isinstance(kind, str) else kind
        with building_part(part, built):
            check_type(part, built, registry.module_dict)
            return build(config, *args, registry=registry, **kwargs)

    return build_part


def build_checked(registry: Any, config: Mapping[str, Any], contract: Any) -> Any:
    """Build a part that somebody else may have written, and check that it keeps its contract.

    Args:
        registry: Where its class is registered; its name says in a message what the part should be.
        config: Config of the part.
        contract: The protocol, checkable at run time.

    Raises:
        ConfigError: If it lacks a method or an attribute of the contract.
    """
    part = registry.build(dict(config))
    if isinstance(part, contract):
        return part
    names = sorted({*vars(contract), *contract.__annotations__})
    lacking = [name for name in names if not (name.startswith('_') or hasattr(part, name))]
    with building_part(config, type(part)):
        raise ConfigError(
            f'is no {registry.name}: it lacks {", ".join(lacking)}',
            argument='type',
            value=type(part).__name__,
            advice=f'Add what is missing, see {contract.__module__}.{contract.__qualname__}',
        )


def check_type(part: Mapping[str, Any], built: Any = None, known: Any = ()) -> None:
    """Raise unless a part says what it is, in a build.

    Args:
        part: Config of the part that is being built.
        built: What its type names, None if nothing.
        known: Names of types for the message.

    Raises:
        ConfigError: If the part has no key ``type``, or one that names nothing.
    """
    if _config.get() is None or 'runner_type' in part:
        return
    if 'type' not in part:
        raise ConfigError(
            f'has no key "type": {shown(dict(part))}',
            place=_part_place(),
            advice='Correct the value, or add what is missing.',
        )
    if isinstance(part['type'], str) and built is None and known:
        raise ConfigError(
            'is unknown',
            argument='type',
            value=part['type'],
            place=ConfigPlace(tuple(f'{key}.type' for key, _ in _find_parts())),
            advice=nearest_names(part['type'], known),
        )


def _refusal(part: dict[str, Any], error: Exception) -> ConfigError:
    """Return what the user reads of a constructor's failure."""
    text = str(error.args[0] if error.args else error).rstrip('.')
    is_for_users = text and isinstance(error, ValueError | AssertionError)
    reason = text if is_for_users else f'{text} ({type(error).__name__})'.strip()
    place = _part_place()
    values = list(_plain_values(part))[:MOST_VALUES] if place.keys else []
    given = f' with {", ".join(values)}' if values else ''
    return ConfigError(
        f'cannot be built{given}: {reason}',
        place=place,
        advice='Correct the value, or add what is missing.',
    )


def _plain_values(part: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings that are a text, a number, a few of them, or None, inner ones last."""
    inner = {key: value for key, value in part.items() if isinstance(value, Mapping)}
    for key, value in part.items():
        items = value if isinstance(value, list | tuple) else [value]
        if key != 'type' and all(isinstance(item, str | int | float | None) for item in items):
            yield f'{key}={shown(value)}'
    for outer, values in inner.items():
        yield from (f'{outer}.{text}' for text in _plain_values(values))


def _complete(error: UserError, built: Any) -> None:
    """Give an error about an argument the place of the argument in the config."""
    if error.place is not None or error.argument is None:
        return
    parts, name = _find_parts(), error.argument
    outer = name.partition('.')[0]
    given = [path for path, node in parts if outer in node]
    if not given and _is_handed_down(outer):
        return  # the outer part has it, and completes the error
    if not given and outer in {*_parts.get()[-1], *_arguments(built)}:
        given = [path for path, _ in parts]
    paths = given or _inner_paths(parts, name, error.value)
    if _config.get() is not None:  # an argument of the whole run comes from its caller
        paths = [path for path in paths if path]
    keys = [f'{path}.{name}'.lstrip('.') for path in paths]
    if keys:
        error.place = ConfigPlace(tuple(keys))


def _is_handed_down(argument: str) -> bool:
    """Whether a part has an argument from a part around it, which has it in its config."""
    *outer, part = _parts.get()
    return argument in part and any(argument in around for around in outer)


def _inner_paths(parts: Nodes, argument: str, value: Any) -> list[str]:
    """Return the parts below a part, built by another library, whose argument has the value."""
    inner = [item for path, node in parts for item in _nodes(node, path)]
    return [path for path, node in inner if argument in node and _equal(node[argument], value)]


def _arguments(built: Any) -> set[str]:
    try:
        return set(inspect.signature(built).parameters)
    except (TypeError, ValueError):
        return set()


def _part_place() -> ConfigPlace:
    """Return where the part is that is being built."""
    kind = _parts.get()[-1].get('type', '') if _parts.get() else ''
    keys = tuple(path for path, _ in _find_parts() if path)
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', str(kind))
    return ConfigPlace(keys, getattr(_config.get(), 'filename', None) or '', name)


def _find_parts() -> Nodes:
    """Walk the config to the part that is being built; equal parts are all found."""
    whole, parts = _config.get(), _parts.get()
    root = parts[0] if whole is None else whole
    nodes: Nodes = [('', root.to_dict() if hasattr(root, 'to_dict') else root)]
    top = nodes
    for part in parts:
        nodes = _matches(nodes, part) or _matches(top, part) or nodes
    return nodes


def _matches(outer: Nodes, part: Mapping[str, Any]) -> Nodes:
    """Return the nodes below others that a part was made from, which may have completed them."""
    below = [item for path, node in outer for item in _nodes(node, path)]
    same = [item for item in below if item[1] and _is_made_from(part, item[1])]
    kind = part.get('type')
    return same or [item for item in below if kind is not None and item[1].get('type') == kind]


def _is_made_from(part: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether a part has all values of a node, and its type."""
    has_values = all(key in part and _equal(part[key], value) for key, value in node.items())
    return has_values and node.get('type') == part.get('type')


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except (TypeError, ValueError):  # arrays have no one truth
        return False


def _nodes(node: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a node and all mappings below it, with their keys."""
    if isinstance(node, Mapping):
        yield path, node
        for key, value in node.items():
            yield from _nodes(value, f'{path}.{key}' if path else str(key))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from _nodes(value, f'{path}[{index}]')


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
