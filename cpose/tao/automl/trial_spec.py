"""From the spec of a search to the specs of its trials."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cpose.tao import SECRET
from cpose.tao.jobs.archives import data_folder
from cpose.tao.spec.key_list import flatten
from cpose.tao.spec.overrides import apply_overrides, resolve_references
from cpose.tao.spec.required import check_filled, choose_written
from cpose.tao.spec.spec_file import TaoSpec, load_spec
from cpose.tao.spec.yaml_reading import read_spec_text

SEARCH = 'automl'
DATA = ('train_data', 'val_data')
UNCOMPARED = ('results_dir', 'num_gpus', 'gpu_ids', 'num_nodes', 'workers', 'pin_memory')
"""Keys that may differ between processes of one search; so may paths of data."""


def load_search_spec(path: str | Path, words: Sequence[str]) -> tuple[TaoSpec, dict[str, Any]]:
    """Load the spec of a search.

    Returns:
        The checked spec, and what of it is written down: nested, references resolved, without the
        section ``automl`` and the encryption key.

    Raises:
        ConfigError: If it is wrong, or something is missing that training or comparing needs.
    """
    spec = load_spec(path, words, 'train')
    _check_usable(spec)
    written, overridden = apply_overrides(read_spec_text(path).values, words)
    choose_written(written, overridden)
    values = resolve_references(written, spec.origin.at)
    for name in (SECRET, SEARCH):
        values.pop(name, None)
    return spec, values


def search_folder(spec: TaoSpec) -> Path:
    """Return the folder of the search."""
    return Path(spec.values.results_dir) / SEARCH


def trial_base(spec: TaoSpec, values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return what all trials share: archives of data are extracted once.

    Raises:
        DataError: If an archive cannot be used.
    """
    base = copy.deepcopy(dict(values))
    for name in DATA:
        place = getattr(spec.values.dataset, name)
        if place:
            base['dataset'][name] = data_folder(place, folder / 'data')
    if spec.values.automl.max_epochs:
        put(base, 'train.num_epochs', spec.values.automl.max_epochs)
    (base.get('train') or {}).pop('results_dir', None)
    return base


def with_values(base: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec with the values of dotted keys in it."""
    values = copy.deepcopy(dict(base))
    for name, value in chosen.items():
        put(values, name, value)
    return values


def put(values: dict[str, Any], name: str, value: Any) -> None:
    """Set the value of a dotted key."""
    *sections, last = name.split('.')
    for section in sections:
        if values.get(section) is None:
            values[section] = {}
        values = values[section]
    values[last] = value


def compared_settings(base: Mapping[str, Any], searched: Mapping[str, str]) -> dict[str, str]:
    """Return what must be equal for trials to be comparable, as text by name.

    Args:
        base: Spec of all trials.
        searched: Ranges by parameter, and what else belongs to the search.
    """
    fixed = {
        name: repr(value)
        for name, value in flatten(base)
        if name.startswith(('train.', 'model.', 'dataset.'))
        and not name.endswith(UNCOMPARED)
        and not name.endswith(('_data', '_path'))
    }
    return {**fixed, **searched}


def _check_usable(spec: TaoSpec) -> None:
    """Check what a search needs beyond what training needs."""
    values = spec.values
    check_filled(spec.origin, [key for key in spec.origin.missing if key.startswith(f'{SEARCH}.')])
    if not values.results_dir:
        raise spec.wrong(
            'results_dir', f'is empty, and the search works in its folder {SEARCH}', 'Give it'
        )
    if values.automl.metric.startswith('val_') and not values.dataset.val_data:
        raise spec.wrong(
            'dataset.val_data',
            f'is required, as automl.metric={values.automl.metric!r} comes from validation',
            'Give a folder',
        )
    for key in ('train.resume_training_checkpoint_path', 'train.is_dry_run'):
        if spec.value(key):
            raise spec.wrong(
                key,
                'cannot be searched with: trials start from the beginning and train in full',
                'Leave it empty; weights to start from are train.pretrained_model_path',
            )
