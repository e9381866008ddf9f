"""Which keys of a spec are searched, and where."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cpose.error_places import NO_VALUE
from cpose.errors import ConfigError
from cpose.tao.spec.errors import SpecOrigin, suggest_key
from cpose.tao.spec.key_list import describe_allowed, spec_keys
from cpose.tao.spec.sections.experiment import RangeOverride
from cpose.tao.spec.spec_file import TaoSpec


@dataclass(frozen=True)
class Parameter:
    """A key of the spec and the values that are tried.

    Attributes:
        name: Dotted key.
        low: Smallest value, if there are no options.
        high: Largest value.
        is_whole: Whether values are whole numbers.
        is_log: Whether factors are equally likely, not differences.
        options: Values to choose from in place of a range.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    is_whole: bool = False
    is_log: bool = False
    options: tuple[Any, ...] = ()

    def suggest(self, trial: Any) -> Any:
        """Let a trial of Optuna choose a value.

        Options are stored as JSON, as Optuna knows no lists.
        """
        if self.options:
            texts = [json.dumps(option) for option in self.options]
            return json.loads(trial.suggest_categorical(self.name, texts))
        if self.is_whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.is_log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.is_log)

    def value_of(self, stored: Any) -> Any:
        """Return the value that a trial stores."""
        return json.loads(stored) if self.options else stored

    def describe(self) -> str:
        """Return the values in words; equal for equal searches."""
        if self.options:
            return f'one of {json.dumps(self.options)}'
        scale = 'log' if self.is_log else 'linear'
        return f'{self.low:g} to {self.high:g}, {scale}{", whole" if self.is_whole else ""}'


SECTIONS = ('train.', 'model.', 'dataset.')
FIXED = {
    'train.num_epochs': 'trials must be comparable; automl.max_epochs sets it for all',
    'train.validation_interval': 'it says when trials are compared',
    'train.is_dry_run': 'a trial trains',
    'train.results_dir': 'every trial has its own folder',
    'train.resume_training_checkpoint_path': 'every trial has its own checkpoints',
    'train.num_gpus': 'it says where a trial runs',
    'train.gpu_ids': 'it says where a trial runs',
    'train.num_nodes': 'it says where a trial runs',
}
"""Keys of those sections that a search cannot change, and why."""

FACTOR = 10.0
"""A number is searched from its value divided by this to its value times this."""
LARGEST = {'train.optim.lr_decay': 1.0}
"""Where more would make no sense: the learning rate would grow."""


@dataclass(frozen=True)
class _Entry:
    """What asks for a parameter: a key of the spec."""

    origin: SpecOrigin
    key: str

    def error(
        self, problem: str, advice: str = '', field: str = '', value: Any = NO_VALUE
    ) -> ConfigError:
        """Return the error of the user for the entry, or for a field of it."""
        key = f'{self.key}.{field}' if field else self.key
        return ConfigError(problem, value=value, place=self.origin.at(key), advice=advice)


def build_space(spec: TaoSpec) -> list[Parameter]:
    """Return the parameters of a search.

    Without a range of its own a number above 0 is searched by factors around its value, a switch
    and a choice over all their values.

    Raises:
        ConfigError: If a key is unknown or cannot be searched, or a range does not fit.
    """
    settings = spec.values.automl
    overrides: dict[str, tuple[int, RangeOverride]] = {}
    for index, override in enumerate(settings.range_override):
        if override.parameter in overrides:
            entry = _Entry(spec.origin, f'automl.range_override.{index}')
            raise entry.error(f'is a second range of {override.parameter}', 'Remove one')
        overrides[override.parameter] = (index, override)
    defaults = [name for name, schema in spec_keys().items() if schema.get('automl_enabled')]
    names = dict.fromkeys([*(settings.hyperparameters or defaults), *overrides])
    return [_build(spec, name, *overrides.get(name, (0, None))) for name in names]


def _build(spec: TaoSpec, name: str, index: int, override: RangeOverride | None) -> Parameter:
    key = f'automl.range_override.{index}' if override else 'automl.hyperparameters'
    entry = _Entry(spec.origin, key)
    schema = _schema(name, entry)
    if override is None:
        return _default_range(spec, name, schema, entry)
    if override.valid_options:
        _check_limits_alone(override, entry)
        for option in override.valid_options:
            _check_value(name, 'valid_options', option, schema, entry)
        return Parameter(name, options=tuple(override.valid_options))
    return _range(name, override, schema, entry)


def _schema(name: str, entry: _Entry) -> Mapping[str, Any]:
    """Return the schema of a key that can be searched."""
    schema = spec_keys().get(name)
    if schema is None:
        raise entry.error(f'names {name!r}, which is no key of a spec', suggest_key(name))
    reason = FIXED.get(name) or schema.get('only_because')
    if not name.startswith(SECTIONS):
        reason = f'a search is over keys of {", ".join(part[:-1] for part in SECTIONS)}'
    if reason:
        raise entry.error(f'names {name}, which cannot be searched: {reason}', 'Remove it')
    return schema


def _default_range(spec: TaoSpec, name: str, schema: Mapping[str, Any], entry: _Entry) -> Parameter:
    kind, value = schema.get('type'), spec.value(name)
    if kind == 'boolean':
        return Parameter(name, options=(False, True))
    if 'enum' in schema and len(schema['enum']) > 1:
        return Parameter(name, options=tuple(schema['enum']))
    if kind not in ('number', 'integer') or value <= 0:
        raise entry.error(
            f'names {name}, and there is no range around its value {value!r}',
            f'Give one in automl.range_override: {{parameter: {name}, valid_min: ..., '
            f'valid_max: ...}} or {{parameter: {name}, valid_options: [...]}}',
        )
    is_whole = kind == 'integer'
    high = min(value * FACTOR, schema.get('maximum', float('inf')))
    high = min(high, max(value, LARGEST.get(name, float('inf'))))
    low = max(value / FACTOR, schema.get('minimum', 0), 1 if is_whole else 0)
    return Parameter(name, float(low), float(high), is_whole, is_log=True)


def _range(
    name: str, override: RangeOverride, schema: Mapping[str, Any], entry: _Entry
) -> Parameter:
    low, high = override.valid_min, override.valid_max
    if low is None or high is None:
        raise entry.error(
            f'needs valid_min and valid_max, or valid_options, for {name}',
            f'Allowed: {describe_allowed(schema)}',
        )
    if schema.get('type') not in ('number', 'integer'):
        raise entry.error(
            f'is a range, which {name} cannot have', 'Give valid_options in its place'
        )
    is_whole = schema['type'] == 'integer'
    for limit, value in (('valid_min', low), ('valid_max', high)):
        _check_value(
            name, limit, int(value) if is_whole and value == int(value) else value, schema, entry
        )
    if low >= high:
        raise entry.error(
            f'is not below valid_max={high:g}', 'Exchange them', field='valid_min', value=low
        )
    is_log = override.scale == 'log' or (override.scale == 'auto' and low > 0 and not is_whole)
    if is_log and low <= 0:
        raise entry.error(
            'must be above 0 on a log scale',
            'Give a larger one, or scale: linear',
            field='valid_min',
            value=low,
        )
    return Parameter(name, low, high, is_whole, is_log)


def _check_limits_alone(override: RangeOverride, entry: _Entry) -> None:
    if override.valid_min is not None or override.valid_max is not None:
        raise entry.error(
            f'has options and a range for {override.parameter}',
            'Remove valid_options, or valid_min and valid_max',
        )


def _check_value(
    name: str, field: str, value: Any, schema: Mapping[str, Any], entry: _Entry
) -> None:
    """Check that a spec could have a value.

    Raises:
        ConfigError: If it could not.
    """
    from pydantic import ValidationError

    from cpose.tao.spec.sections.experiment import Experiment

    nested: Any = value
    for part in reversed(name.split('.')):
        nested = {part: nested}
    try:
        Experiment.model_validate(nested)
    except ValidationError as error:
        raise entry.error(
            f'must be {describe_allowed(schema)}, as {name}', field=field, value=value
        ) from error
