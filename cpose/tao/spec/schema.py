"""JSON Schemas of the specs, one per task, from the definitions that check the specs."""

from copy import deepcopy
from typing import Any

from cpose.errors import ConfigError, nearest_names
from cpose.tao import TASKS
from cpose.tao.spec.key_list import (
    default_values,
    experiment_schema,
    spec_keys,
    without_file_facts,
)
from cpose.tao.zoo import find_experiment

DIALECT = 'https://json-schema.org/draft/2020-12/schema'
TRAIN = 'train'
COMMON = ('model_name', 'encryption_key', 'results_dir', 'wandb', 'dataset', 'train', 'model')
"""Keys and sections of every task, besides the section of its name."""


def job_schema(action: str, experiment_id: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the spec of a task.

    The top-level ``default`` is a spec that runs once paths are filled in. For tasks that use a
    model file it leaves out what the file knows.

    Args:
        action: Task.
        experiment_id: Entry of the zoo whose backbone and category become the defaults.

    Raises:
        ConfigError: If task or entry are unknown.
    """
    if action not in TASKS:
        raise ConfigError(
            'is unknown', argument='action', value=action, advice=nearest_names(action, TASKS)
        )
    schema = deepcopy(experiment_schema())
    properties = {name: schema['properties'][name] for name in (*COMMON, action)}
    values = default_values()
    default = {name: values[name] for name in properties}
    if action != TRAIN:
        default = without_file_facts(default)
    if experiment_id is not None:
        _apply(default, properties, find_experiment(experiment_id))
    automl = [key for key, node in spec_keys().items() if node.get('automl_enabled')]
    return {
        '$schema': DIALECT,
        'title': f'TAO CenterPose, {action}',
        **{key: value for key, value in schema.items() if key != 'properties'},
        'automl_default_parameters': automl,
        'default': default,
        'properties': properties,
    }


def _apply(default: dict[str, Any], properties: dict[str, Any], entry: dict[str, Any]) -> None:
    default['model'].setdefault('backbone', {})['model_type'] = entry['backbone']
    default['dataset']['category'] = entry['category']
    backbone = properties['model']['properties']['backbone']['properties']
    backbone['model_type']['default'] = entry['backbone']
    properties['dataset']['properties']['category']['default'] = entry['category']
