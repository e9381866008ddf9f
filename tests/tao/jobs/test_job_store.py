"""Jobs as the documentation of TAO runs them, with processes that stand in for the tasks."""

import json
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from cpose.cli.main import main
from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.engine.status_file import STATUS_NAME, SUCCESS, StatusFile
from cpose.errors import ConfigError, MissingDependencyError
from cpose.files.encryption_key import KEY_VARIABLE
from cpose.tao import BEST_MODEL
from cpose.tao.jobs import job_runs
from cpose.tao.jobs.job_runs import describe_job, start_job, stop_job
from cpose.tao.jobs.job_specs import JobRequest, create_job, model_of
from cpose.tao.jobs.job_store import CANCELED, DONE, ERROR, PAUSED, ROOT_VARIABLE, RUNNING, JobStore

from ...user_errors import raises

ATTACKS = Path(__file__).parents[2] / 'data' / 'cases' / 'attacks'
LONGEST = 20.0
"""Seconds that a process may take to end."""


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / 'jobs'))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return JobStore()


@pytest.fixture
def process(monkeypatch):
    """Let jobs run a line of Python in the place of their task."""

    def choose(code):
        def start(store, job, words, environment):
            return original(store, job, [sys.executable, '-c', code], environment)

        monkeypatch.setattr(job_runs, '_start_here', start)

    original = job_runs._start_here
    choose('import time; print("begun", flush=True); time.sleep(60)')
    return choose


def test_asking_for_jobs_is_quick(store):
    """Scripts ask over and over until a job is done."""
    code = (
        'import sys; from cpose.cli.main import main; assert main(["tao", "list-jobs"]) == 0; '
        'assert not {"torch", "mmengine"} & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)


def wait_for_end(store, job):
    end = time.monotonic() + LONGEST
    while store.is_held(job):
        assert time.monotonic() < end
        time.sleep(0.05)
    return describe_job(store, store.find(job.id))['status']


def finish(store, job, files=()):
    """Write what a task leaves behind."""
    folder = store.results_dir(job)
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')
    StatusFile(folder / STATUS_NAME).write(SUCCESS, 'done')


def spec_of(store, job):
    return yaml.safe_load(store.spec_file(job).read_text())


def output_of(capsys, *words):
    assert main(['tao', *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_commands_of_the_documentation(store, process, capsys):
    specs = {'train': {'num_epochs': 3}, 'dataset.batch_size': 2, 'encryption_key': 'from specs'}
    words = ('--kind', 'experiment', '--name', 'a bike', '--action', 'train', '--workspace-id', 'w')
    data = ('--train-datasets', '["data"]', '--eval-dataset', 'val', '--specs', json.dumps(specs))
    base = ('--base-experiment-ids', '["dla34_bike"]', '--encryption-key', 'nvidia_tlt')
    job_id = output_of(capsys, 'create-job', *words, *data, *base)['id']
    job = store.find(job_id)
    spec = spec_of(store, job)
    assert spec['dataset'] == {
        'category': 'bike', 'train_data': 'data', 'val_data': 'val', 'batch_size': 2
    }  # fmt: skip
    assert spec['model'] == {'backbone': {'model_type': 'DLA34'}}
    assert spec['train'] == {'num_epochs': 3, 'results_dir': str(store.folder(job_id) / 'train')}
    (listed,) = output_of(capsys, 'list-jobs')
    assert (listed['id'], listed['name'], listed['status']) == (job_id, 'a bike', RUNNING)
    assert output_of(capsys, 'pause', '--job-id', job_id)['id'] == job_id
    assert wait_for_end(store, job) == PAUSED
    assert output_of(capsys, 'resume-job', '--job-id', job_id)['status'] == RUNNING
    assert output_of(capsys, 'cancel', '--job-id', job_id)['id'] == job_id
    assert wait_for_end(store, job) == CANCELED
    assert main(['tao', 'get-job-logs', '--job-id', job_id]) == 0
    assert 'begun' in capsys.readouterr().out
    assert output_of(capsys, 'delete', '--job-id', job_id)['status'] == 'Deleted'
    assert output_of(capsys, 'list-jobs') == []
    assert not store.folder(job_id).exists()


def test_the_key_is_stored_nowhere(store, process):
    process(f'import os; print(os.environ["{KEY_VARIABLE}"][::-1], flush=True)')
    request = JobRequest('train', '{"encryption_key": "geheim", "dataset.train_data": "d"}')
    job = create_job(store, request, encryption_key='')
    wait_for_end(store, job)
    assert store.log_file(job).read_text() == 'mieheg\n'
    files = [path for path in store.root.rglob('*') if path.is_file()]
    assert all(b'geheim' not in path.read_bytes() for path in files)


def test_models_go_from_job_to_job(store, process):
    process('')
    data = {'inference_dataset': 'd', 'eval_dataset': 'd', 'train_datasets': 'd'}

    def job_of(action, parent=''):
        return create_job(store, JobRequest(action, datasets=data, parent_id=parent))

    training = job_of('train')
    with raises(ConfigError, argument='parent_job_id', value=training.id):
        job_of('evaluate', training.id)
    folder = store.results_dir(training)
    newest = folder / 'model_epoch_001_step_00004.pth'
    finish(store, training, [newest])
    (folder / LATEST).symlink_to(newest.name)
    assert model_of(store, training) == newest
    assert spec_of(store, job_of('train', training.id))['train']['pretrained_model_path']
    evaluation = job_of('evaluate', training.id)
    assert spec_of(store, evaluation)['evaluate']['checkpoint'] == str(newest)
    export = job_of('export', evaluation.id)
    assert spec_of(store, export)['export']['checkpoint'] == str(newest)
    finish(store, export, [Path(spec_of(store, export)['export']['onnx_file'])])
    engine = job_of('gen_trt_engine', export.id)
    section = spec_of(store, engine)['gen_trt_engine']
    assert section['onnx_file'] == str(model_of(store, export))
    assert section['tensorrt']['calibration']['cal_image_dir'] == 'd'
    finish(store, engine, [Path(section['trt_engine'])])
    inference = spec_of(store, job_of('inference', engine.id))
    assert inference['inference']['trt_engine'] == section['trt_engine']
    assert inference['dataset'] == {'inference_data': 'd'}


def test_ends(store, process):
    request = JobRequest('train', '{"dataset.train_data": "d"}')
    process('raise SystemExit(3)')
    failed = create_job(store, request)
    assert wait_for_end(store, failed) == ERROR
    process('')
    done = create_job(store, request)
    wait_for_end(store, done)
    finish(store, done)
    assert describe_job(JobStore(), done)['status'] == DONE
    with raises(ConfigError, DONE, argument='job_id', value=done.id):
        stop_job(store, done, PAUSED)
    with raises(ConfigError, 'done', argument='job_id', value=done.id):
        start_job(store, done)


def test_a_job_that_works_is_neither_started_nor_deleted(store, process):
    job = create_job(store, JobRequest('train', '{"dataset.train_data": "d"}'))
    for change in (lambda: start_job(store, job), lambda: store.delete(job)):
        with raises(ConfigError, 'works', argument='job_id', value=job.id):
            change()
    stop_job(store, job, CANCELED)
    assert wait_for_end(store, job) == CANCELED


@pytest.mark.parametrize(
    ('request_', 'error'),
    [
        (JobRequest('train', '{"train.epochs": 3}'), {'spec_key': 'train.epochs'}),
        (JobRequest('train'), {'spec_key': 'dataset.train_data'}),
        (JobRequest('train', '[1]'), {'argument': 'specs', 'value': '[1]'}),
        (JobRequest('train', '{'), {'argument': 'specs', 'value': '{'}),
        (JobRequest('train', '{"encryption_key": "a b'), {'argument': 'specs', 'value': '***'}),
        *[
            (JobRequest('train', str(ATTACKS / f'{name}.yaml')), {'spec_key': key})
            for name, key in {
                'key_in_template': 'results_dir',
                'key_in_template_2': 'model_name',
                'reference_doubles': 'results_dir',
            }.items()
        ],
        (JobRequest('train', str(ATTACKS / 'alias_bomb_spec.yaml')), {'argument': 'specs'}),
        (JobRequest('train', parent_id='x'), {'argument': 'parent_job_id', 'value': 'x'}),
        (
            JobRequest('train', datasets={'train_datasets': '["a", "b"]'}),
            {'argument': 'train_datasets', 'value': '["a", "b"]'},
        ),
    ],
)
def test_nothing_is_left_of_a_wrong_job(store, request_, error):
    with raises(ConfigError, **error):
        create_job(store, request_)
    assert store.all_jobs() == []
    assert [path.name for path in store.root.iterdir()] == ['jobs.sqlite']


SEARCH = {
    'automl_enabled': True,
    'automl_algorithm': 'asha',
    'automl_hyperparameters': '["train.optim.lr"]',
    'automl_range_override': [{'parameter': 'train.optim.lr', 'valid_min': 0.1, 'valid_max': 1}],
    'metric': 'val_loss',
    'algorithm_specific_params': {'max_recommendations': 2, 'max_concurrent': 1},
}


def test_search_over_trainings(store, process, capsys):
    process('import sys; print("begun", flush=True)')
    data = ('--train-datasets', 'd', '--eval-dataset', 'd', '--specs', '{"train.num_epochs": 4}')
    words = ('create-job', '--action', 'train', *data, '--automl-settings')
    job = store.find(output_of(capsys, *words, json.dumps(SEARCH))['id'])
    assert (job.action, store.results_dir(job).name) == ('automl', 'automl')
    spec = spec_of(store, job)
    assert spec['results_dir'] == str(store.folder(job.id))
    assert spec['train'] == {'num_epochs': 4}
    assert spec['automl'] == {
        'algorithm': 'asha',
        'hyperparameters': ['train.optim.lr'],
        'range_override': SEARCH['automl_range_override'],
        'metric': 'val_loss',
        'max_recommendations': 2,
    }
    wait_for_end(store, job)
    with raises(ConfigError, argument='parent_job_id', value=job.id):
        model_of(store, job)
    best = (
        store.folder(job.id) / 'automl' / 'trial_001' / 'train' / 'model_epoch_003_step_00004.pth'
    )
    finish(store, job, [best])
    (store.results_dir(job) / BEST_MODEL).symlink_to(best.relative_to(store.results_dir(job)))
    assert wait_for_end(store, job) == DONE
    child = create_job(store, JobRequest('export', parent_id=job.id))
    assert spec_of(store, child)['export']['checkpoint'] == str(best)
    wait_for_end(store, child)


def test_search_that_is_switched_off_is_a_training(store, process):
    process('')
    data = {'train_datasets': 'd', 'eval_dataset': 'd'}
    settings = json.dumps({**SEARCH, 'automl_enabled': False})
    job = create_job(store, JobRequest('train', datasets=data, automl=settings))
    assert job.action == 'train'
    assert 'automl' not in spec_of(store, job)
    wait_for_end(store, job)


@pytest.mark.parametrize(
    ('changes', 'error'),
    [
        ({'automl_enabled': 'yes'}, {'argument': 'automl_settings', 'matching': 'true or false'}),
        ({'algorithm': 'asha'}, {'argument': 'automl_settings', 'matching': 'algorithm='}),
        ({'algorithm_specific_params': 3}, {'argument': 'automl_settings'}),
        ({'max_concurrent': 4}, {'argument': 'automl_settings', 'matching': 'max_concurrent=4'}),
        ({'automl_hyperparameters': 5}, {'spec_key': 'automl.hyperparameters'}),
    ],
)
def test_settings_of_a_search_that_are_wrong(store, changes, error):
    data = {'train_datasets': 'd', 'eval_dataset': 'd'}
    request = JobRequest('train', datasets=data, automl=json.dumps({**SEARCH, **changes}))
    matching = error.pop('matching', '')
    with raises(ConfigError, matching, **error):
        create_job(store, request)
    assert store.all_jobs() == []


@pytest.mark.parametrize(('action', 'text'), [('train', '[1]'), ('train', '{'), ('export', None)])
def test_settings_of_a_search_that_are_none(store, action, text):
    with raises(ConfigError, argument='automl_settings'):
        create_job(store, JobRequest(action, automl=text or json.dumps(SEARCH)))


def test_slurm(store, tmp_path, monkeypatch):
    request = JobRequest('train', '{"dataset.train_data": "d"}')
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'))
    with raises(MissingDependencyError, 'sbatch', argument='runner', value='slurm'):
        create_job(store, request, runner='slurm')
    commands = {
        'sbatch': 'echo "$@" > asked; echo "7;cluster"',
        'squeue': 'cat state',
        'scancel': 'echo "$@" > stopped; : > state',
    }
    (tmp_path / 'bin').mkdir()
    for name, line in commands.items():
        file = tmp_path / 'bin' / name
        file.write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin\n{line}\n')
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    (tmp_path / 'state').write_text('PENDING\n')
    job = create_job(store, request, name='my job', runner='slurm')
    assert '--job-name=my job' in (tmp_path / 'asked').read_text()
    assert 'tao train -e' in (store.folder(job.id) / 'job.sh').read_text()
    assert describe_job(store, job)['status'] == 'Pending'
    (tmp_path / 'state').write_text('RUNNING\n')
    assert describe_job(store, job)['status'] == RUNNING
    job = stop_job(store, job, CANCELED)
    assert '7' in (tmp_path / 'stopped').read_text()
    assert describe_job(store, job)['status'] == CANCELED
