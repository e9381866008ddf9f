import pytest
from mmengine.hooks import Hook

from cpose.errors import ConfigError, DataError

from ...user_errors import raises
from ..toy_training import CrashError, CrashHook, ToyMetric, loader, read_losses

EPOCHS, BATCHES = 3, 6


def train_and_crash(build_runner, iteration, options):
    runner = build_runner(options, name='resumed')
    runner.register_hook(CrashHook(iteration))
    with pytest.raises(CrashError):
        runner.train()


def resume(build_runner, options, file):
    runner = build_runner({**options, 'resume': True, 'load_from': str(file)}, name='resumed')
    runner.train()
    return runner


OPTIONS = {
    'plain': {},
    'accumulation': {'optim_wrapper.accumulative_counts': 4},
    'ema': {'custom_hooks': [{'type': 'EMAHook', 'strict_load': True}]},
    'bf16': {
        'optim_wrapper.type': 'MixedPrecisionOptimWrapper',
        'optim_wrapper.dtype': 'bf16',
    },
    'fp16': {
        'optim_wrapper.type': 'MixedPrecisionOptimWrapper',
        'optim_wrapper.dtype': 'fp16',
        'optim_wrapper.accumulative_counts': 2,
    },
    'workers': {
        'train_dataloader.num_workers': 1,
        'train_dataloader.persistent_workers': True,
        'train_dataloader.dataset.use_global_noise': False,
    },
}


@pytest.mark.slow
@pytest.mark.parametrize('name', OPTIONS)
def test_resumed_losses_equal_the_uninterrupted_ones(build_runner, tmp_path, name):
    options = {'default_hooks.checkpoint.iter_interval': 1, **OPTIONS[name]}
    for run in ('whole', 'resumed'):
        record = {'type': 'LossRecordHook', 'file': str(tmp_path / f'{run}.jsonl')}
        options[run] = [*options.get('custom_hooks', []), record]
    whole = build_runner({**options, 'custom_hooks': options['whole']}, name='whole')
    whole.train()
    options['custom_hooks'] = options['resumed']
    train_and_crash(build_runner, 9, options)
    resume(build_runner, options, tmp_path / 'resumed/iter_9.pth')
    expected, actual = (read_losses(tmp_path / f'{run}.jsonl') for run in ('whole', 'resumed'))
    assert list(expected) == list(range(EPOCHS * BATCHES))
    assert actual == expected


@pytest.mark.slow
def test_checkpoint_written_again_after_validation_resumes_exactly(build_runner, tmp_path):
    whole = build_runner(name='whole')
    whole.train()
    train_and_crash(build_runner, BATCHES + 1, {})
    assert list((tmp_path / 'resumed').glob('best*'))
    resume(build_runner, {}, tmp_path / 'resumed/epoch_1.pth')
    expected, actual = (
        read_losses(tmp_path / f'{run}/losses.jsonl') for run in ('whole', 'resumed')
    )
    assert expected == {key: value[-1:] for key, value in actual.items()}


def test_resuming_does_not_load_what_is_done(build_runner, tmp_path):
    options = {'default_hooks.checkpoint.iter_interval': 1}
    train_and_crash(build_runner, 4, options)
    options['train_cfg.max_epochs'] = 1
    runner = resume(build_runner, options, tmp_path / 'resumed/iter_4.pth')
    assert len(runner.train_dataloader.dataset.loaded) == 2 * 2


def test_validation_that_a_crash_prevented_is_made_up_for(build_runner, tmp_path):
    class CrashInValidation(Hook):
        def before_val(self, runner):
            raise CrashError

    runner = build_runner(name='resumed')
    runner.register_hook(CrashInValidation())
    with pytest.raises(CrashError):
        runner.train()
    assert runner.train_loop.state_dict()['validated_epoch'] == 0  # for who saves after the crash
    assert not list((tmp_path / 'resumed').glob('best*'))
    file = tmp_path / 'resumed/epoch_1.pth'
    runner = resume(build_runner, {'train_cfg.max_epochs': 1}, file)
    assert (tmp_path / 'resumed/best_AP50_3DIoU_epoch_1.pth').is_file()
    assert runner.message_hub.get_info('best_score') is not None


@pytest.mark.parametrize('scores', [[0.1, 0.2], [0.2, 0.1]], ids=['best', 'not the best'])
def test_finished_validation_is_not_repeated(build_runner, tmp_path, monkeypatch, scores):
    remaining = iter(scores)
    monkeypatch.setattr(
        ToyMetric, 'compute_metrics', lambda self, results: {'AP50_3DIoU': next(remaining)}
    )
    options = {'train_cfg.max_epochs': 2}
    build_runner(options, name='resumed').train()
    second = resume(build_runner, options, tmp_path / 'resumed/epoch_2.pth')
    assert list(second.message_hub.get_scalar('val/AP50_3DIoU').data[0]) == scores


@pytest.mark.slow
def test_other_batch_size_continues_at_the_same_image(build_runner, tmp_path):
    train_and_crash(build_runner, 4, {'default_hooks.checkpoint.iter_interval': 1})
    options = {'train_dataloader.batch_size': 4, 'train_cfg.max_epochs': 1}
    runner = resume(build_runner, options, tmp_path / 'resumed/iter_4.pth')
    assert len(runner.train_dataloader.dataset.loaded) == 4


@pytest.mark.parametrize(('batch_size', 'length'), [(1, 12), (4, 3)])
def test_other_batch_size_counts_its_own_iterations(build_runner, tmp_path, batch_size, length):
    options = {**OPTIONS['accumulation'], 'default_hooks.checkpoint.iter_interval': 1}
    train_and_crash(build_runner, 10, options)
    options['train_dataloader.batch_size'] = batch_size
    runner = resume(build_runner, options, tmp_path / 'resumed/iter_10.pth')
    assert runner.iter == runner.max_iters == EPOCHS * length


@pytest.mark.parametrize(('batch_size', 'is_kept'), [(2, True), (1, False)])
def test_gradients_accumulated_over_other_batches_are_dropped(
    build_runner, tmp_path, batch_size, is_kept
):
    options = {**OPTIONS['accumulation'], 'default_hooks.checkpoint.iter_interval': 1}
    train_and_crash(build_runner, 2, options)
    options['train_dataloader.batch_size'] = batch_size
    found = []

    class GradientHook(Hook):
        def before_train_epoch(self, runner):
            found.append(runner.model.head.weight.grad is not None)

    file = str(tmp_path / 'resumed/iter_2.pth')
    runner = build_runner({**options, 'resume': True, 'load_from': file}, name='resumed')
    runner.register_hook(GradientHook())
    runner.train()
    assert found[0] is is_kept


@pytest.mark.parametrize('drop_last', [False, True])
def test_fewer_images_than_the_batch(build_runner, drop_last):
    runner = build_runner({'train_dataloader': loader(1, batch_size=4, drop_last=drop_last)})
    runner.train()
    assert runner.iter == EPOCHS
    assert len(runner.train_dataloader.dataset.loaded) == EPOCHS


def test_no_images_is_an_error(build_runner):
    runner = build_runner({'train_dataloader': loader(0)})
    with raises(DataError, key='train_dataloader.dataset'):
        runner.train()


def test_validation_changes_no_training_loss(build_runner, tmp_path):
    for run, interval in (('often', 1), ('never', 100)):
        file = str(tmp_path / f'{run}.jsonl')
        options = {
            'train_cfg.val_interval': interval,
            'custom_hooks': [{'type': 'LossRecordHook', 'file': file}],
        }
        build_runner(options, name=run).train()
    assert read_losses(tmp_path / 'often.jsonl') == read_losses(tmp_path / 'never.jsonl')


@pytest.mark.parametrize(
    ('name', 'value'),
    [('val_interval', 0), ('val_interval', 2.5), ('max_epochs', 0), ('val_begin', 'abc')],
)
def test_numbers_out_of_range(build_runner, name, value):
    with raises(ConfigError, argument=name, value=value, key=f'train_cfg.{name}'):
        build_runner({f'train_cfg.{name}': value}).train()
