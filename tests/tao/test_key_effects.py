"""Every key of a spec is changed here, and has an effect or is refused."""

from pathlib import Path

import pytest
import torch

from cpose.errors import ConfigError, DataError
from cpose.tao import TASKS
from cpose.tao.jobs.processes import choose_gpus
from cpose.tao.spec.key_list import spec_keys
from cpose.tao.spec.readings import warn_of_readings
from cpose.tao.tasks import evaluate, export, gen_trt_engine, inference
from cpose.tao.tasks.train import find_resume
from cpose.tao.translation import training_part as wandb_login
from cpose.tao.translation.spec_config import training_overlay

from ..user_errors import raises
from .key_outcomes import Effect, Refusal, Warned
from .specs import make_spec
from .task_cases import ENGINE, EVALUATE, EXPORT, INFERENCE, WANDB
from .training_cases import DATASET, LOSS, MODEL, TOP, TRAIN

SECTIONS = {
    'dataset': DATASET,
    'model': MODEL,
    'train': TRAIN,
    'train.loss_config': LOSS,
    'evaluate': EVALUATE,
    'inference': INFERENCE,
    'export': EXPORT,
    'gen_trt_engine': ENGINE,
    'wandb': WANDB,
}
CASES = {
    **TOP,
    **{f'{head}.{name}': case for head, part in SECTIONS.items() for name, case in part.items()},
}
OTHERS = 'automl.'
"""Keys that no spec of TAO has are tested with what reads them."""


def plan(spec):
    """Return everything that a spec comes to, without doing any of it."""
    return {
        **training_overlay(spec),
        'evaluate': {
            'config': evaluate.evaluate_overlay(spec),
            'model': evaluate.model_file(spec),
            'folder': str(spec.results_dir('evaluate')),
        },
        'inference': {
            **inference.inference_options(spec),
            'writer': inference.writer_options(spec),
            'config': inference.inference_overlay(spec),
            'model': inference.model_file(spec),
            'inputs': inference.inference_inputs(spec),
            'folder': str(spec.results_dir('inference')),
        },
        'export': {
            **export.export_options(spec),
            'config': export.export_overlay(spec),
            'files': (spec.values.export.checkpoint, str(export.export_file(spec))),
            'folder': str(spec.results_dir('export')),
        },
        'engine': {
            **gen_trt_engine.engine_request(spec),
            **gen_trt_engine.build_settings(spec),
            **gen_trt_engine.calibration_source(spec),
            **gen_trt_engine.quantization_settings(spec),
            'files': gen_trt_engine.files(spec),
            'input_wh': gen_trt_engine.check_input(spec, (512, 512)),
            'folder': str(spec.results_dir('gen_trt_engine')),
        },
        'gpus': {task: choose_gpus(spec, task) for task in TASKS},
        'resume': (find_resume(spec, Path('none')) or Path()).name,
        'key': spec.values.encryption_key,
        'is_verbose': spec.values.export.verbose,
    }


def look_up(node, place):
    for part in place.split('.'):
        node = node[int(part)] if isinstance(node, list | tuple) else node[part]
    return node


def test_every_key_is_here():
    assert set(CASES) == {key for key in spec_keys() if not key.startswith(OTHERS)}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with four GPUs, a login to W&B, and a checkpoint in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 4)
    monkeypatch.setenv('WANDB_API_KEY', 'x')
    monkeypatch.setattr(wandb_login, 'find_spec', lambda name: True)
    torch.save({'train_loop': {}}, tmp_path / 'x.pth')
    return tmp_path


@pytest.mark.parametrize('key', [key for key, case in CASES.items() if isinstance(case, Effect)])
def test_effects(machine, key):
    case = CASES[key]
    with_key = make_spec(machine, *case.words, f'{key}={case.value}')
    assert look_up(plan(with_key), case.place) == case.expected
    without = make_spec(machine, *(word for word in case.words if not word.startswith(f'{key}=')))
    try:
        before = look_up(plan(without), case.place)
    except (KeyError, IndexError, TypeError, ConfigError):
        return
    assert before != case.expected


@pytest.mark.parametrize('key', [key for key, case in CASES.items() if isinstance(case, Refusal)])
def test_refusals(machine, key):
    case = CASES[key]
    with raises(ConfigError, case.reason, spec_key=key, where='Command line'):
        plan(make_spec(machine, *case.words, f'{key}={case.value}'))


@pytest.mark.parametrize('key', [key for key, case in CASES.items() if isinstance(case, Warned)])
def test_warnings(machine, key):
    case = CASES[key]
    with pytest.warns(UserWarning, match=case.reason):
        warn_of_readings(make_spec(machine, f'{key}={case.value}'), key.partition('.')[0])


READ = {
    training_overlay: ('train', 'val'),
    evaluate.evaluate_overlay: ('test',),
    inference.inference_overlay: (),
    export.export_overlay: (),
}
"""Data sets of each task; the others may be missing."""


@pytest.mark.parametrize('overlay', READ)
def test_a_task_opens_its_own_archives_only(machine, overlay):
    words = {name: f'dataset.{name}_data=none.tar.gz' for name in ('train', 'val', 'test')}
    others = (word for name, word in words.items() if name not in READ[overlay])
    overlay(make_spec(machine, *others))
    for name in READ[overlay]:
        with raises(DataError, path='none.tar.gz'):
            overlay(make_spec(machine, words[name]))


def test_config_of_a_training_names_the_test_data(machine):
    place = 'test_dataloader.dataset'
    assert look_up(training_overlay(make_spec(machine)), place)['data_root'] == 'c'
    shut = training_overlay(make_spec(machine, 'dataset.test_data=c.tar.gz'))
    assert 'data_root' not in look_up(shut, place)


def test_batch_of_an_onnx_file_that_has_one(machine):
    batches = gen_trt_engine.engine_request(make_spec(machine), static_batch=2)['batches']
    assert batches == (None, None, None)
    spec = make_spec(machine, 'gen_trt_engine.batch_size=4')
    assert gen_trt_engine.engine_request(spec, static_batch=4)['batches'] == (4, 4, 4)
    key = 'gen_trt_engine.batch_size'
    with raises(ConfigError, 'x.onnx', spec_key=key, where='Command line', value=4) as caught:
        gen_trt_engine.engine_request(spec, static_batch=2)
    assert '2 or -1' in caught.value.advice[0]
