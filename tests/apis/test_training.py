import errno
import re

import pytest
import torch
from mmengine.config import Config

from cpose.apis import training
from cpose.apis.builder import build_model
from cpose.apis.config.check import check_config
from cpose.apis.config.load import configs_root, load_config
from cpose.apis.training import evaluate, train
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.engine.pose_runner import PoseRunner
from cpose.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    OutputError,
    TrainingInterruptedError,
)

from ..user_errors import raises

PICTURES = {
    'train_dataloader.num_workers': 0,
    'train_dataloader.batch_size': 2,
    'train_dataloader.dataset.num_images': 4,
    'val_dataloader.num_workers': 0,
    'val_dataloader.dataset.num_images': 2,
    'test_dataloader.num_workers': 0,
    'test_dataloader.dataset.num_images': 3,
}
TINY = {
    **PICTURES,
    **{
        f'{loader}_dataloader.dataset.{key}': value
        for loader in ('train', 'val', 'test')
        for key, value in {'input_wh': [64, 64], 'image_wh': [64, 64]}.items()
    },
    'train_cfg': {'type': 'ResumableEpochTrainLoop', 'max_epochs': 1, '_delete_': True},
    'param_scheduler': None,
    'custom_hooks': [],
    'visualizer.vis_backends': [{'type': 'LocalVisBackend'}],
    'log_level': 'WARNING',
}
CONFIG = 'cpose::centerpose/mobilenetv4_small_cuboid.py'


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Return the runner of one epoch of the real model on tiny pictures."""
    return train(CONFIG, tmp_path_factory.mktemp('trained'), options=TINY)


@pytest.mark.slow
def test_train_writes_checkpoints_with_every_loss(trained):
    stored = load_checkpoint_file(trained.last_checkpoint)
    assert stored['meta']['epoch'] == 1
    names = set(trained.message_hub.log_scalars)
    wanted = ('hm', 'hm_hp', 'hps', 'wh', 'reg', 'hp_offset', 'scale')
    assert {f'train/loss_{name}' for name in wanted} <= names
    assert 'val/AP50_3DIoU' in names


@pytest.mark.slow
def test_evaluate_by_the_config_of_the_checkpoint(trained, tmp_path):
    report = evaluate(
        '-', trained.last_checkpoint, dump=tmp_path / 'dump.json', work_dir=tmp_path / 'test'
    )
    assert report['num_images'] == 3
    assert {'AP50_3DIoU', 'AP50_3DIoU_tao', 'curves'} <= set(report)
    assert (tmp_path / 'dump.json').is_file()


@pytest.mark.slow
def test_resume_auto_continues_and_amp(trained, tmp_path):
    options = {**TINY, 'train_cfg': {**TINY['train_cfg'], 'max_epochs': 2}}
    runner = train(CONFIG, trained.work_dir, resume='auto', options=options)
    assert runner.iter == 4
    other = train(CONFIG, tmp_path, resume=None, amp='bf16', options=TINY)
    assert type(other.optim_wrapper).__name__ == 'MixedPrecisionOptimWrapper'
    assert other.optim_wrapper.dtype == torch.bfloat16


@pytest.mark.slow
def test_data_root_takes_the_place_of_drawn_pictures(trained, tmp_path):
    with raises(DataError):
        evaluate('-', trained.last_checkpoint, data_root=tmp_path, work_dir=tmp_path)


@pytest.mark.slow
def test_examples_of_the_documents_build():
    text = (configs_root().parent / 'docs/training.md').read_text()
    examples = re.findall(r'```python\n(.*?)```', text, flags=re.DOTALL)
    assert examples
    for example in examples:
        settings = {}
        exec(example, {}, settings)
        keys = ('model', 'train_dataloader', 'train_cfg', 'param_scheduler', 'default_hooks')
        config = load_config(CONFIG, {key: settings[key] for key in keys if key in settings})
        check_config(config, ('model', 'train_dataloader'))
        model = build_model(config)
        assert ('hm_hp' in model.head.criterion.terms) == ('model' not in settings)


def test_resume_auto_in_an_empty_folder_starts(monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(PoseRunner, 'from_cfg', classmethod(lambda cls, cfg: seen.update(cfg)))
    with pytest.raises(AttributeError):
        train(CONFIG, tmp_path, resume='auto', options=TINY)
    assert seen['resume'] is False
    assert seen['load_from'] is None


def test_scales_keep_half_precision(monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(PoseRunner, 'from_cfg', classmethod(lambda cls, cfg: seen.update(cfg)))
    options = {**TINY, 'test_cfg.fp16': True}
    with pytest.raises(AttributeError):
        evaluate(CONFIG, tmp_path / 'a.pth', work_dir=tmp_path, options=options, scales=[1, 2])
    assert seen['test_cfg'] == {'type': 'PyramidTestLoop', 'scales': [1, 2], 'fp16': True}


def test_a_runner_with_a_strategy_is_refused(tmp_path):
    options = {'runner_type': 'FlexibleRunner'}
    with raises(ConfigError, 'strategy', argument='runner_type', value='FlexibleRunner'):
        train('quickstart', tmp_path / 'run', options=options)


@pytest.mark.parametrize('name', ['PoseRuner', '💥', '../../etc', 1])
def test_what_is_no_runner_is_refused(tmp_path, name):
    options = {'runner_type': name}
    with raises(ConfigError, 'runner', argument='runner_type', value=name):
        train('quickstart', tmp_path / 'run', options=options)


def test_a_scope_without_parts_is_refused(tmp_path):
    options = {'default_scope': 'mmpose'}
    with raises(ConfigError, argument='default_scope', value='mmpose'):
        train('quickstart', tmp_path / 'run', options=options)


def test_resume_from_a_missing_file(tmp_path):
    with raises(CheckpointError, argument='resume', path=tmp_path / 'epoch_9.pth'):
        train(CONFIG, tmp_path, resume=tmp_path / 'epoch_9.pth', options=TINY)


def test_work_dir_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').touch()
    with raises(OutputError, argument='work_dir', path=tmp_path / 'file'):
        train(CONFIG, tmp_path / 'file', options=TINY)


def test_full_disk_anywhere_in_the_run(monkeypatch, tmp_path):
    def fail(cls, cfg):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(PoseRunner, 'from_cfg', classmethod(fail))
    with raises(OutputError, argument='work_dir', path=tmp_path):
        train(CONFIG, tmp_path, options=TINY)


def test_hooks_are_closed_after_an_error(monkeypatch, tmp_path):
    closed = []

    class Hook:
        def close(self):
            closed.append(1)

    class Runner:
        hooks = (Hook(), object())

        def train(self):
            raise TrainingInterruptedError(2, 1, 'x')

    monkeypatch.setattr(PoseRunner, 'from_cfg', classmethod(lambda cls, cfg: Runner()))
    with pytest.raises(TrainingInterruptedError):
        train(CONFIG, tmp_path, options=TINY)
    assert closed == [1]


@pytest.mark.parametrize(
    'options',
    [
        {'optim_wrapper.paramwise_cfg': {'custom_keys': {'backbone': {'lr_mult': 0.1}}}},
        {'optim_wrapper.accumulative_counts': 4},
        {'custom_hooks': [{'type': 'EMAHook', 'momentum': 0.001, 'priority': 49}]},
        {'optim_wrapper.type': 'MixedPrecisionOptimWrapper', 'optim_wrapper.dtype': 'fp16'},
    ],
)
def test_settings_of_training_pass_the_check(options):
    check_config(load_config(CONFIG, options), ('model', 'train_dataloader', 'optim_wrapper'))


@pytest.mark.parametrize('kind', [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_outputs_without_room_are_errors_of_the_user(tmp_path, kind):
    """A file of limited size is as little room as a full disk."""
    found = training._lost_outputs(OSError(kind, ''), Config({'work_dir': str(tmp_path)}), None)
    assert (type(found), found.argument) == (OutputError, 'work_dir')
    assert 'checkpoints written before are intact' in found.problem
