"""The models of the zoo: found by name, and what people read about them.

``configs/centerpose/metafile.yml`` is the only place for figures of shipped models. The variable
``CPOSE_ZOO`` names further metafiles, of models of your own.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from cpose.apis.metafile import ZooModel, read_metafile, shipped_metafile
from cpose.error_places import FilePlace, listed
from cpose.errors import ConfigError, nearest_names

TABLE_HEADER = ('model', 'category', 'input', 'MB', 'ms', 'AP', 'licence', 'weights')
MOST_CATEGORIES = 2
"""In a cell of a table."""
ZOO_VARIABLE = 'CPOSE_ZOO'
NO_FIGURE = '–'
HUB_LICENSES = ('apache-2.0', 'mit', 'bsd-3-clause', 'cc-by-4.0', 'cc0-1.0')
"""Licences that the Hugging Face Hub knows by these names."""


def list_models() -> list[ZooModel]:
    """Return the models of all metafiles, the shipped ones first.

    Raises:
        ConfigError: If a metafile is wrong, or two models have one name.
    """
    further = os.environ.get(ZOO_VARIABLE, '').split(os.pathsep)
    models: dict[str, ZooModel] = {}
    for file in (shipped_metafile(), *map(Path, filter(None, further))):
        for model in read_metafile(file):
            if model.name in models:
                raise ConfigError(
                    f'is the name of a model of {models[model.name].metafile} too',
                    value=model.name,
                    place=FilePlace(file, 'Name'),
                    advice='Choose another name',
                )
            models[model.name] = model
    return list(models.values())


def find_model(name: str) -> ZooModel:
    """Return the model of a name.

    Raises:
        ConfigError: If there is none; the message names the nearest.
    """
    models = {model.name: model for model in list_models()}
    if name in models:
        return models[name]
    known = [model.name for model in with_weights(models.values())]
    raise ConfigError(
        'is no model of the zoo, no file and no address',
        argument='model',
        value=name,
        advice=f'{nearest_names(name, known)} `cpose zoo` lists all',
    )


def with_weights(models: Iterable[ZooModel]) -> list[ZooModel]:
    """Return the models that have weights, those that the user has to bring last."""
    known = (model for model in models if model.weights or model.published)
    return sorted(known, key=lambda model: not model.weights)


def table_row(model: ZooModel) -> list[str]:
    """Return the facts of a model, one for each of `TABLE_HEADER`.

    The average precision is the mean over the sets of real photographs.
    """
    precision = model.mean_metric()
    return [
        model.name,
        listed(model.categories, MOST_CATEGORIES),
        '×'.join(map(str, model.input_wh)) or NO_FIGURE,
        f'{model.num_bytes / 1e6:.1f}' if model.num_bytes else NO_FIGURE,
        f'{model.speeds[0]["Milliseconds"]:g}' if model.speeds else NO_FIGURE,
        NO_FIGURE if precision is None else f'{precision:.2f}',
        model.license or NO_FIGURE,
        model.origin or NO_FIGURE,
    ]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ['---'] * len(header), *rows]
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in lines)


def model_card(model: ZooModel, called: str = '') -> str:
    """Return all that is known of a model in Markdown, with the command that uses it.

    Args:
        model: The model.
        called: What ``--model`` takes, by default the name.
    """
    facts = {
        'category': ', '.join(model.categories),
        'backbone': model.backbone,
        'input': '×'.join(map(str, model.input_wh)),
        'licence of the weights': model.license,
        'trained on': model.data,
        'trained by': f'`{model.command}`' if model.command else '',
        'published by': model.published.get('By', ''),
        'weights': ': '.join(filter(None, (model.origin, model.address))),
        'size': f'{model.num_bytes / 1e6:.1f} MB' if model.num_bytes else '',
        'SHA-256': f'`{model.sha256}`' if model.sha256 else '',
    }
    known = [(name, text) for name, text in facts.items() if text]
    parts = [f'# {model.name}\n', markdown_table(['', ''], known), *_figures(model)]
    if model.notes:
        parts.append(f'{model.notes}\n')
    return '\n'.join([*parts, f'```sh\n{_use(model, called or model.name)}\n```\n'])


def hub_header(model: ZooModel) -> str:
    """Return what the Hugging Face Hub wants to know in front of a card."""
    license_name = model.license.lower()
    lines = [f'license: {license_name if license_name in HUB_LICENSES else "other"}']
    if license_name not in HUB_LICENSES:
        lines.append(f'license_name: {json.dumps(model.license or "unknown")}')
    tags = ('pose-estimation', '6-dof-pose', 'centerpose', *model.categories)
    lines += ['library_name: cpose', f'tags: {json.dumps(tags)}']
    return '\n'.join(['---', *lines, '---', ''])


def _figures(model: ZooModel) -> list[str]:
    tables = []
    metrics = list(dict.fromkeys(name for item in model.results for name in item['Metrics']))
    if model.results:
        rows = [
            [
                item['Dataset'],
                'photographs' if item['Photographs'] else 'synthetic',
                *(_figure(item['Metrics'].get(name)) for name in metrics),
            ]
            for item in model.results
        ]
        tables.append(markdown_table(['data', 'kind', *metrics], rows))
    if model.speeds:
        rows = [[f'{item["Milliseconds"]:g}', item['Runtime'], item['Machine']]
                for item in model.speeds]  # fmt: skip
        tables.append(markdown_table(['ms per image', 'runtime', 'machine'], rows))
    return tables


def _figure(value: float | None) -> str:
    return NO_FIGURE if value is None else f'{value:.3g}'


def _use(model: ZooModel, called: str) -> str:
    if model.weights:
        return f'cpose infer --model {called} PHOTO'
    return model.published.get('Convert') or train_command(model)


def train_command(model: ZooModel) -> str:
    """Return the command that trains a model of its own; shipped configs go by their names."""
    is_shipped = model.metafile == shipped_metafile()
    return f'cpose train {Path(model.config).stem if is_shipped else model.config}'
