import json
from contextlib import nullcontext
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import is_model_wrapper

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.stored_config import config_from_checkpoint
from cpose.errors import CheckpointError, OutputError
from cpose.registry import RUNNERS

from ..user_errors import raises
from .toy_training import read_losses, toy_config


def resume(build_runner, file, options=None):
    runner = build_runner({'resume': True, 'load_from': str(file), **(options or {})}, 'again')
    runner.train()
    return runner


@pytest.fixture
def trained(build_runner):
    runner = build_runner({'train_cfg.max_epochs': 1})
    runner.train()
    return runner


def test_checkpoint_loads_with_weights_only(trained):
    stored = torch.load(trained.last_checkpoint, weights_only=True)
    assert set(stored) == {
        'meta', 'state_dict', 'message_hub', 'optimizer', 'param_schedulers', 'train_loop'
    }  # fmt: skip
    assert stored['meta']['epoch'] == 1
    assert stored['meta']['iter'] == 6
    for name, value in trained.model.state_dict().items():
        assert stored['state_dict'][name].equal(value)


def test_checkpoint_carries_its_config(trained):
    config = config_from_checkpoint(trained.last_checkpoint)
    assert config.model.type == 'ToyModel'
    assert config.train_cfg.max_epochs == 1
    assert 'work_dir' not in config
    with_json = load_checkpoint_file(trained.last_checkpoint)['meta']['config_json']
    assert json.loads(with_json)['default_scope'] == 'cpose'


@pytest.mark.parametrize(
    ('spare', 'environment', 'threads'),
    [(1, {}, 3), (9, {}, 1), (0, {}, 4), (1, {'OMP_NUM_THREADS': '4'}, 4)],
)
def test_cores_for_loading(build_runner, monkeypatch, spare, environment, threads):
    counts = [4]
    monkeypatch.setattr('os.environ', environment)
    monkeypatch.setattr('os.sched_getaffinity', lambda process: range(4))
    monkeypatch.setattr('torch.get_num_threads', lambda: counts[-1])
    monkeypatch.setattr('torch.set_num_threads', counts.append)
    for name in ('run', 'another'):
        build_runner({'env_cfg.spare_cores': spare}, name)
    assert counts[-1] == threads


@pytest.mark.slow
def test_schedule_continues_with_more_epochs(build_runner, tmp_path):
    schedule = [{'type': 'MultiStepLR', 'milestones': [1, 4], 'gamma': 0.1, 'by_epoch': True}]
    options = {'param_scheduler': schedule}
    build_runner({**options, 'train_cfg.max_epochs': 3}).train()
    options['train_cfg.max_epochs'] = 6
    runner = resume(build_runner, tmp_path / 'run/epoch_2.pth', options)
    rates = runner.message_hub.get_scalar('train/lr').data[0]
    assert rates[::6] == pytest.approx([1e-2, 1e-3, 1e-3, 1e-3, 1e-4, 1e-4])


def test_defaults_of_the_schedule(build_runner):
    config = toy_config('/tmp')
    assert config.optim_wrapper.optimizer.type == 'Adam'
    assert config.optim_wrapper.clip_grad.max_norm == 100
    assert config.param_scheduler[0].milestones == [90, 120]
    assert config.randomness.seed == 1234


@pytest.mark.slow
def test_backbone_learning_rate(build_runner):
    options = {'optim_wrapper.paramwise_cfg': {'custom_keys': {'backbone': {'lr_mult': 0.1}}}}
    runner = build_runner({**options, 'train_cfg.max_epochs': 1})
    runner.train()
    names = [name for name, _ in runner.model.named_parameters()]
    groups = runner.optim_wrapper.optimizer.param_groups
    by_name = {name: group['lr'] for name, group in zip(names, groups, strict=True)}
    assert by_name['backbone.weight'] == pytest.approx(1e-3)
    assert by_name['head.weight'] == pytest.approx(1e-2)
    resumed = resume(build_runner, runner.last_checkpoint, {**options, 'train_cfg.max_epochs': 2})
    assert resumed.iter == 12


@pytest.mark.parametrize('hooks', [[], [{'type': 'EMAHook'}]], ids=['without', 'with'])
def test_resuming_averages_without_averaging_is_told(build_runner, hooks):
    averaging = {'custom_hooks': [{'type': 'EMAHook'}], 'train_cfg.max_epochs': 1}
    runner = build_runner(averaging)
    runner.train()
    resumed = resume(build_runner, runner.last_checkpoint, {**averaging, 'custom_hooks': hooks})
    log = next(file for file in _files(resumed.log_dir) if file.suffix == '.log')
    assert ('this config has no EMAHook' in log.read_text()) == (not hooks)


def test_other_model_cannot_be_resumed(build_runner, trained):
    with raises(CheckpointError, 'ToyModel'):
        resume(build_runner, trained.last_checkpoint, {'model.width': 5})


def test_other_optimizer_cannot_be_resumed(build_runner, trained):
    groups = {'optim_wrapper.paramwise_cfg': {'custom_keys': {'backbone': {'lr_mult': 0.1}}}}
    with raises(CheckpointError):
        resume(build_runner, trained.last_checkpoint, groups)


@pytest.mark.parametrize('kind', ['SGD', 'AdamW'])
def test_optimizer_of_another_type_cannot_be_resumed(build_runner, trained, kind):
    options = {'optim_wrapper.optimizer': {'type': kind, 'lr': 0.1, '_delete_': True}}
    with raises(CheckpointError, f' {kind} ', path=trained.last_checkpoint) as caught:
        resume(build_runner, trained.last_checkpoint, options)
    assert caught.value.problem.endswith(' Adam')


def test_best_holds_weights_only(build_runner, trained, tmp_path):
    best = next((tmp_path / 'run').glob('best*.pth'))
    assert 'optimizer' not in load_checkpoint_file(best)
    with raises(CheckpointError, 'optimizer', path=best):
        resume(build_runner, best)
    runner = build_runner({'load_from': str(best)}, 'again')
    runner.load_or_resume()
    assert runner.model.head.bias.equal(trained.model.head.bias)


def test_training_state_is_that_of_the_config_when_only_loading(build_runner, trained):
    runner = build_runner({'load_from': trained.last_checkpoint}, 'again')
    runner.train()
    assert runner.iter == 18


def test_persistent_workers_need_workers(build_runner):
    runner = build_runner({'train_dataloader.persistent_workers': True})
    assert not runner.train_dataloader.persistent_workers


@pytest.mark.parametrize('iterations', [3, 6])
def test_processes_that_load_data_end_with_the_run(build_runner, monkeypatch, iterations):
    loading = {'num_workers': 1, 'persistent_workers': True}
    options = {f'train_dataloader.{name}': value for name, value in loading.items()}
    runner = build_runner({'train_cfg.max_epochs': 1, **options})
    run_iter = runner.train_loop.run_iter

    def run_some(number, batch):
        run_iter(number, batch)
        if number + 1 == iterations < 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(runner.train_loop, 'run_iter', run_some)
    with nullcontext() if iterations == 6 else pytest.raises(KeyboardInterrupt):
        runner.train()
    assert runner.iter == iterations
    assert not active_children()


def test_runners_of_one_second_share_nothing(build_runner):
    first, second = build_runner(), build_runner()
    assert first.log_dir != second.log_dir
    assert first.message_hub is not second.message_hub


def test_written_configs_hold_values_alone(build_runner, monkeypatch, tmp_path):
    """A config from a model file may have any keys and texts."""
    monkeypatch.setenv('SECRET', 'geheim')
    monkeypatch.chdir(tmp_path)
    note = {"x': open('code', 'w'), 'y": 1, 'text': '{{$SECRET:x}}'}
    runner = build_runner({'note': note})
    runner.dump_config()
    written = [file for file in tmp_path.rglob('*.py') if 'note' in file.read_text()]
    assert len(written) == 2  # in the work dir and of the backend
    for file in written:
        assert Config.fromfile(file).note.to_dict() == note
    assert not Path('code').exists()
    assert not any('geheim' in log.read_text() for log in tmp_path.rglob('*.log'))


def test_the_console_is_not_flooded(build_runner, capsys):
    runner = build_runner({'log_level': 'INFO'})
    runner.train()
    lines = capsys.readouterr().out.splitlines()
    assert not any('sys.platform' in line for line in lines)
    assert any('loss_a' in line and 'eta' in line for line in lines)
    log = next(file for file in _files(runner.log_dir) if file.suffix == '.log')
    assert 'sys.platform' in log.read_text()


def test_losses_go_to_json_and_tensorboard(build_runner):
    backends = [{'type': 'LocalVisBackend'}, {'type': 'TensorboardVisBackend'}]
    runner = build_runner({'visualizer.vis_backends': backends})
    runner.train()
    files = list(_files(runner.log_dir))
    scalars = next(file for file in files if file.name == 'scalars.json')
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    assert {'loss', 'loss_a', 'loss_b', 'lr', 'grad_norm', 'iter'} <= set(rows[0])
    assert any('AP50_3DIoU' in row for row in rows)
    assert any(file.name.startswith('events.out.tfevents') for file in files)


def test_full_disk_stops_with_the_previous_checkpoint(build_runner, monkeypatch, tmp_path):
    def fail(*args):
        raise OSError(28, 'No space left on device')

    runner = build_runner({'train_cfg.max_epochs': 1})
    runner.train()
    before = (tmp_path / 'run/epoch_1.pth').read_bytes()
    monkeypatch.setattr('os.fsync', fail)
    options = {'resume': True, 'load_from': str(tmp_path / 'run/epoch_1.pth')}
    with raises(OutputError, 'No space left'):
        build_runner(options).train()
    assert (tmp_path / 'run/epoch_1.pth').read_bytes() == before
    assert not list((tmp_path / 'run').glob('.*unfinished'))


@pytest.mark.slow
def test_compiled_training_equals_the_usual(build_runner, tmp_path):
    for name, options in (('usual', {}), ('compiled', {'compile': {'backend': 'eager'}})):
        build_runner({**options, 'model.dropout': 0.0, 'train_cfg.max_epochs': 1}, name).train()
    usual, compiled = (
        read_losses(tmp_path / name / 'losses.jsonl') for name in ('usual', 'compiled')
    )
    for iteration, records in usual.items():
        for name, value in records[0][2].items():
            found = float.fromhex(compiled[iteration][0][2][name])
            assert found == pytest.approx(float.fromhex(value), rel=1e-3)


def test_model_wrapper_only_when_distributed(build_runner):
    assert not is_model_wrapper(build_runner().model)


def test_runner_of_the_config():
    assert RUNNERS.get('PoseRunner').__name__ == 'PoseRunner'


def _files(folder):
    return (file for file in Path(folder).rglob('*') if file.is_file())
