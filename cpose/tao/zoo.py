"""The models of the zoo as TAO lists its base experiments."""

import uuid
from functools import cache
from typing import Any

import yaml

from cpose.apis.config.load import configs_root
from cpose.errors import ConfigError, nearest_names

METAFILE = 'centerpose/metafile.yml'
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, 'cpose/zoo')


@cache
def read_metafile() -> list[dict[str, Any]]:
    """Return the entries of the metafile."""
    with (configs_root() / METAFILE).open(encoding='utf-8') as file:
        models: list[dict[str, Any]] = yaml.safe_load(file)['Models']
    return models


def list_base_experiments() -> list[dict[str, Any]]:
    """Return the models that a TAO spec can describe, each with an id that stays the same."""
    return [_experiment(model) for model in read_metafile() if 'TAO' in model['Metadata']]


def find_experiment(experiment_id: str) -> dict[str, Any]:
    """Return an entry by id or name.

    Raises:
        ConfigError: If there is none.
    """
    entries = list_base_experiments()
    for entry in entries:
        if experiment_id in (entry['id'], entry['name']):
            return entry
    names = [entry['name'] for entry in entries]
    raise ConfigError(
        'is no base experiment',
        argument='experiment_id',
        value=experiment_id,
        advice=f'{nearest_names(experiment_id, names)} '
        '`cpose tao list-base-experiments` lists all with their ids',
    )


def _experiment(model: dict[str, Any]) -> dict[str, Any]:
    metadata = model['Metadata']
    return {
        'id': str(uuid.uuid5(NAMESPACE, model['Name'])),
        'name': model['Name'],
        'network_arch': 'centerpose',
        'backbone': metadata['TAO'],
        'category': metadata['Category'],
        'config': model['Config'],
        'weights': model.get('Weights'),
    }
