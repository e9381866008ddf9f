"""The settings of AutoML that TAO has beside the spec of a job, as keys of the spec."""

from collections.abc import Mapping
from typing import Any

import yaml

from cpose.errors import ConfigError, nearest_names
from cpose.tao.spec.yaml_reading import parse_value

ARGUMENT = 'automl_settings'
ENABLED, SPECIFIC = 'automl_enabled', 'algorithm_specific_params'
KEYS = {
    'automl_algorithm': 'algorithm',
    'automl_hyperparameters': 'hyperparameters',
    'automl_range_override': 'range_override',
    'automl_delete_intermediate_ckpt': 'delete_intermediate_ckpt',
    'metric': 'metric',
}
SPECIFIC_KEYS = ('max_recommendations', 'max_epochs', 'reduction_factor')
ONLY = {
    'override_automl_disabled_params': (False, 'sections and lists are searched by no algorithm'),
    'epoch_multiplier': (1, 'epochs are counted one by one; give max_epochs the product'),
    'max_concurrent': (1, 'a process runs one trial at a time; start several in one storage'),
}
"""Settings that have one value here, with the reason."""


def search_keys(text: str) -> dict[str, Any]:
    """Return keys of the section ``automl``, by dotted name; empty if nothing is to be searched.

    Args:
        text: JSON with the names of TAO, empty for no search. Values are checked with the spec.

    Raises:
        ConfigError: If a setting is unknown, or has a value that has no counterpart.
    """
    settings = _parse(text) if text else {}
    if not settings or not _is_enabled(settings):
        return {}
    specific = settings.pop(SPECIFIC, None) or {}
    if not isinstance(specific, Mapping):
        raise _wrong(SPECIFIC, specific, 'must hold names and values')
    keys = {'automl.algorithm': settings.pop('automl_algorithm', 'bayesian')}
    for name, value in (*settings.items(), *specific.items()):
        if name in ONLY:
            _check_only(name, value)
        elif name in KEYS or name in SPECIFIC_KEYS:
            keys[f'automl.{KEYS.get(name, name)}'] = _listed(value)
        else:
            known = (ENABLED, SPECIFIC, *KEYS, *SPECIFIC_KEYS, *ONLY)
            raise _wrong(name, value, 'is no setting', nearest_names(str(name), known))
    return keys


def _parse(text: str) -> dict[str, Any]:
    try:
        values = parse_value(text)
    except (yaml.YAMLError, RecursionError):
        values = None
    if not isinstance(values, Mapping):
        raise ConfigError(
            'is no JSON with names and values',
            argument=ARGUMENT,
            value=text[:60],
            advice=f'Give for example {{"{ENABLED}": true, "automl_algorithm": "bayesian"}}',
        )
    return dict(values)


def _is_enabled(settings: dict[str, Any]) -> bool:
    value = settings.pop(ENABLED, True)
    if not isinstance(value, bool):
        raise _wrong(ENABLED, value, 'must be true or false')
    return value


def _check_only(name: str, value: Any) -> None:
    only, reason = ONLY[name]
    if value != only:
        raise _wrong(name, value, f'can only be {only}: {reason}', 'Leave it out')


def _listed(value: Any) -> Any:
    """Return the list that a text holds, as TAO writes lists."""
    return _parse_list(value) if isinstance(value, str) and value.lstrip()[:1] == '[' else value


def _parse_list(text: str) -> Any:
    try:
        return parse_value(text)
    except (yaml.YAMLError, RecursionError):
        return text


def _wrong(name: Any, value: Any, problem: str, advice: str = 'Correct it') -> ConfigError:
    return ConfigError(
        f'has {name}={value!r:.60}, which {problem}', argument=ARGUMENT, advice=advice
    )
