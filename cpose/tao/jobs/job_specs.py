"""A new job and its spec: what the user gives, what its parent made, where its outputs go."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.errors import ConfigError
from cpose.files.atomic import write_text_atomic
from cpose.files.encryption_key import HIDDEN, note_key
from cpose.files.text_files import read_text
from cpose.tao import BEST_MODEL, SEARCH, SECRET
from cpose.tao.jobs.automl_settings import search_keys
from cpose.tao.jobs.job_runs import LOCAL, start_job
from cpose.tao.jobs.job_store import Job, JobStore
from cpose.tao.spec.key_list import flatten
from cpose.tao.spec.required import MISSING
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.spec.yaml_reading import nest_keys, parse_value
from cpose.tao.zoo import find_experiment

EMPTY: tuple[Any, ...] = ('', None, [], *MISSING)
"""Values that stand for none."""
GIVEN_NAME = 'given.yaml'
"""The spec before the folders of the job stand in it."""
ONNX_NAME, ENGINE_NAME, CACHE_NAME = 'model.onnx', 'model.engine', 'cal.bin'
DATA_KEYS = {
    'train_datasets': {
        'train': 'dataset.train_data',
        'gen_trt_engine': 'gen_trt_engine.tensorrt.calibration.cal_image_dir',
    },
    'eval_dataset': {'train': 'dataset.val_data', 'evaluate': 'dataset.test_data'},
    'inference_dataset': {'inference': 'dataset.inference_data'},
}
"""Key that data of a kind are given for, by task; other tasks do not read them."""


@dataclass(frozen=True)
class JobRequest:
    """What a user wants of a job.

    Attributes:
        action: One of `cpose.tao.TASKS`.
        specs: Spec as JSON or YAML, or the file of one; keys may be dotted.
        datasets: Folders or archives, by the names of `DATA_KEYS`.
        base_experiments: Entry of the zoo whose backbone and category are taken.
        parent_id: Job whose model is used.
        automl: Settings of TAO for a search over trainings, as JSON; empty for none.
    """

    action: str
    specs: str = ''
    datasets: Mapping[str, str] = field(default_factory=dict)
    base_experiments: str = ''
    parent_id: str = ''
    automl: str = ''

    @property
    def searched(self) -> dict[str, Any]:
        """Keys of a search over trainings, empty for a single run.

        Raises:
            ConfigError: If the settings are wrong, or for another action.
        """
        keys = search_keys(self.automl)
        if keys and self.action != 'train':
            raise ConfigError(
                f'are for trainings, not for {self.action}',
                argument='automl_settings',
                advice='Leave them out',
            )
        return keys


def create_job(
    store: JobStore,
    request: JobRequest,
    name: str = '',
    kind: str = 'experiment',
    runner: str = LOCAL,
    encryption_key: str = '',
) -> Job:
    """Write the spec of a new job and start it.

    Args:
        store: Where it is kept.
        request: What it does.
        name: What the user calls it.
        kind: As TAO has it, ``experiment``.
        runner: One of `cpose.tao.jobs.job_runs.RUNNERS`.
        encryption_key: Goes to the process by its environment, and is stored nowhere.

    Raises:
        UserError: If the request is wrong; nothing is left of the job then.
        MissingDependencyError: If there is no Slurm here.
    """
    job = Job(
        id=store.new_id(),
        name=name or request.action,
        kind=kind,
        action=SEARCH if request.searched else request.action,
        parent_id=request.parent_id,
        runner=runner,
        created=datetime.now(UTC).isoformat(timespec='milliseconds'),
        working_dir=os.getcwd(),
    )
    try:
        write_job_spec(store, job, request)
        store.save(job)
        return start_job(store, job, encryption_key or key_of_specs(request.specs))
    except BaseException:
        store.forget(job)
        raise


def write_job_spec(store: JobStore, job: Job, request: JobRequest) -> None:
    """Write the spec of a job and check it.

    What the user gives comes before what is known of the parent and of the base experiment. The
    encryption key is in no file.

    Raises:
        ConfigError: If something is wrong or missing.
    """
    folder = store.folder(job.id)
    known = {
        **_of_experiment(request),
        **_of_parent(store, request),
        **_outputs(request.action, folder),
        **_data(request),
    }
    searched, specs = request.searched, _read_specs(request.specs)
    note_key(specs.get(SECRET))
    given = {
        key: value
        for key, value in flatten(specs)
        if key != SECRET and not (key in known and value in EMPTY)
    }
    places = {'results_dir': str(folder)}
    if not searched:
        places[f'{request.action}.results_dir'] = str(store.results_dir(job))
    # As given first: places for results are checked before those of the job stand for them.
    keys = {**known, **given, **searched}
    _write_checked(folder / GIVEN_NAME, keys, request.action)
    _write_checked(store.spec_file(job), {**keys, **places}, request.action)


def _write_checked(path: Path, keys: Mapping[str, Any], action: str) -> None:
    write_text_atomic(path, yaml.safe_dump(nest_keys(keys), sort_keys=False))
    load_spec(path, [], action)


def key_of_specs(specs: str) -> str:
    """Return the encryption key that a spec of the user has, empty for none."""
    return str(_read_specs(specs).get(SECRET) or '')


def model_of(store: JobStore, job: Job) -> Path:
    """Return the model that a job made, or else the one of its parent.

    Of a training it is the newest checkpoint by its own name, as the link goes on to others; of a
    search that of the best trial.

    Raises:
        ConfigError: If there is none.
    """
    folder = store.folder(job.id)
    made = {
        'train': (store.results_dir(job) / LATEST).resolve(),
        SEARCH: (store.results_dir(job) / BEST_MODEL).resolve(),
        'export': folder / ONNX_NAME,
        'gen_trt_engine': folder / ENGINE_NAME,
    }.get(job.action)
    if made is not None and made.is_file():
        return made
    if made is None and job.parent_id:
        return model_of(store, store.find(job.parent_id, 'parent_job_id'))
    raise ConfigError(
        f'is a job ({job.action}) that has no model',
        argument='parent_job_id',
        value=job.id,
        advice=('Wait for its end', 'Name another job'),
    )


def _read_specs(text: str) -> dict[str, Any]:
    if not text:
        return {}
    is_file = len(text) < MOST_NAME and '\n' not in text and Path(text).is_file()
    try:
        values = parse_value(read_text(text, kind=ConfigError) if is_file else text)
    except (yaml.YAMLError, RecursionError) as error:
        raise _no_specs(text) from error
    if not isinstance(values, Mapping):
        raise _no_specs(text)
    return nest_keys(values)


MOST_NAME = 4096
"""Longest name of a file."""


def _no_specs(text: str) -> ConfigError:
    return ConfigError(
        'is no spec',
        argument='specs',
        value=HIDDEN if SECRET in text else text[:60],
        advice='Give JSON or the name of a file; `cpose tao get-job-schema` prints a default',
    )


def _of_experiment(request: JobRequest) -> dict[str, Any]:
    name = _one('base_experiment_ids', request.base_experiments)
    if not name:
        return {}
    entry = find_experiment(name)
    return {'model.backbone.model_type': entry['backbone'], 'dataset.category': entry['category']}


def _of_parent(store: JobStore, request: JobRequest) -> dict[str, Any]:
    if not request.parent_id:
        return {}
    model, action = model_of(store, store.find(request.parent_id, 'parent_job_id')), request.action
    if action == 'train':
        return {'train.pretrained_model_path': str(model)}
    if action == 'gen_trt_engine':
        return {'gen_trt_engine.onnx_file': str(model)}
    is_engine = action != 'export' and model.name == ENGINE_NAME
    return {f'{action}.{"trt_engine" if is_engine else "checkpoint"}': str(model)}


def _outputs(action: str, folder: Path) -> dict[str, Any]:
    return {
        'export': {'export.onnx_file': str(folder / ONNX_NAME)},
        'gen_trt_engine': {
            'gen_trt_engine.trt_engine': str(folder / ENGINE_NAME),
            'gen_trt_engine.tensorrt.calibration.cal_cache_file': str(folder / CACHE_NAME),
        },
    }.get(action, {})


def _data(request: JobRequest) -> dict[str, Any]:
    found = {}
    for name, text in request.datasets.items():
        key, place = DATA_KEYS[name].get(request.action), _one(name, text)
        if key and place:
            found[key] = place
    return found


def _one(argument: str, text: str) -> str:
    """Return the only entry of a JSON list, or the text itself.

    Raises:
        ConfigError: If there are several.
    """
    if not text.lstrip().startswith('['):
        return text
    try:
        values: Sequence[Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            'is no JSON', argument=argument, value=text, advice='Give one name'
        ) from error
    if len(values) > 1:
        raise ConfigError('has several entries, and a job takes one', argument=argument, value=text)
    return str(values[0]) if values else ''
