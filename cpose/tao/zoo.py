"""The models of the zoo as TAO lists its base experiments."""

import uuid
from pathlib import Path
from typing import Any

from cpose.apis.metafile import ZooModel
from cpose.apis.zoo import list_models
from cpose.errors import ConfigError, nearest_names

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, 'cpose/zoo')


def list_base_experiments() -> list[dict[str, Any]]:
    """Return the models that a TAO spec can describe, each with an id that stays the same."""
    return [_experiment(model) for model in list_models() if model.tao]


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


def _experiment(model: ZooModel) -> dict[str, Any]:
    return {
        'id': str(uuid.uuid5(NAMESPACE, model.name)),
        'name': model.name,
        'network_arch': 'centerpose',
        'backbone': model.tao,
        'category': model.categories[0],
        'config': f'configs/centerpose/{Path(model.config).name}',
        'weights': model.weights or None,
        'license': model.license or None,
        'results': {item['Dataset']: item['Metrics'] for item in model.results},
    }
