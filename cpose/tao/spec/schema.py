"""JSON Schemas of the specs, one per task, from the definitions that check the specs."""

from collections.abc import Mapping
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
SUMMARIES = ('automl_default_parameters', 'automl_disabled_parameters', 'popular')
"""Keys of a schema that a manifest repeats."""
GPUS = ('num_gpus', 'gpu_ids', 'num_nodes')
POPULAR = (
    *(f'{section}.{name}' for section in ('train', 'evaluate', 'inference') for name in GPUS),
    'train.num_epochs',
    'train.checkpoint_interval',
    'train.validation_interval',
    'gen_trt_engine.gpu_id',
    'gen_trt_engine.batch_size',
    'gen_trt_engine.tensorrt.min_batch_size',
    'gen_trt_engine.tensorrt.opt_batch_size',
    'gen_trt_engine.tensorrt.max_batch_size',
    'gen_trt_engine.tensorrt.calibration.cal_batch_size',
    'gen_trt_engine.tensorrt.calibration.cal_batches',
)
"""Keys that TAO shows first."""
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
    known = {key: node for key, node in spec_keys().items() if key.partition('.')[0] in properties}
    return {
        '$schema': DIALECT,
        'title': f'TAO CenterPose, {action}',
        **{key: value for key, value in schema.items() if key != 'properties'},
        'automl_default_parameters': automl,
        'automl_disabled_parameters': _never_searched(known),
        'popular': _nested({key: known[key]['default'] for key in POPULAR if key in known}),
        'default': default,
        'properties': properties,
    }


def _never_searched(keys: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the sections and lists among some keys: a search takes single values."""
    names = [key.split('.')[:-1] for key in keys]
    sections = {'.'.join(parts[:end]) for parts in names for end in range(1, len(parts) + 1)}
    lists = {key for key, node in keys.items() if node.get('type') == 'array'}
    return sorted(sections | lists)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of dotted keys as sections."""
    tree: dict[str, Any] = {}
    for dotted, value in values.items():
        *sections, name = dotted.split('.')
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        node[name] = value
    return tree


def _apply(default: dict[str, Any], properties: dict[str, Any], entry: dict[str, Any]) -> None:
    default['model'].setdefault('backbone', {})['model_type'] = entry['backbone']
    default['dataset']['category'] = entry['category']
    backbone = properties['model']['properties']['backbone']['properties']
    backbone['model_type']['default'] = entry['backbone']
    properties['dataset']['properties']['category']['default'] = entry['category']
