import pytest

from cpose.engine.run_checks import check_run
from cpose.errors import ConfigError, DataError
from cpose.registry import DATASETS

from ..shipped_parts import part
from ..user_errors import raises
from .toy_training import ToyDataset


@DATASETS.register_module()
class RoundToyDataset(ToyDataset):
    """Noise of a round object for which no rotation is equivalent."""

    def __init__(self, length=3):
        super().__init__(length)
        self.metainfo['eval_num_symmetry'] = (0,)


@DATASETS.register_module()
class EmptyToyDataset(ToyDataset):
    """Noise without anything to train on."""

    targets_by_label = (0,)


@DATASETS.register_module()
class HalfToyDataset(ToyDataset):
    """Two categories, of which training shows one."""

    targets_by_label = (3, 0)

    def __init__(self, length=3):
        super().__init__(length)
        self.metainfo['category'] = ('cup', 'shoe')


METRIC = {'val_evaluator': part('ObjectronMetric')}


@pytest.mark.parametrize(
    ('options', 'argument'),
    [
        ({'train_cfg.type': 'mmengine.EpochBasedTrainLoop'}, 'type'),
        (
            {'train_cfg': {'type': 'IterBasedTrainLoop', 'max_iters': 3, '_delete_': True}},
            'by_epoch',
        ),
        ({**METRIC, 'default_hooks.checkpoint.save_best': 'mAP'}, 'save_best'),
        (
            {**METRIC, 'val_dataloader.dataset.type': 'RoundToyDataset'},
            'metainfo.eval_num_symmetry',
        ),
    ],
)
def test_refused_before_the_first_step(build_runner, options, argument):
    runner = build_runner(options)
    with raises(ConfigError, argument=argument):
        runner.train()
    assert runner.iter == 0


@pytest.mark.parametrize(
    ('name', 'values'),
    [
        *[(name, ('x', [0, 1], 3)) for name in ('dataset', 'sampler', 'batch_sampler')],
        ('batch_size', (0, 2**63, 1.5, 'x', float('inf'))),
        ('num_workers', (-1, 10**9, True, 'x')),
        ('prefetch_factor', (0, 'x', 0.5)),
        ('timeout', (-1, 'x', float('inf'), 5)),
        ('num_batch_per_epoch', (0, False, 1.5)),
        ('generator', (7, 'x')),
    ],
)
def test_loaders_of_values_that_have_no_meaning(build_runner, name, values):
    """PyTorch notices some of them in the first batch only."""
    for value in values:
        runner = build_runner({f'train_dataloader.{name}': value})
        with raises(ConfigError, argument=name, value=value):
            runner.train()


@pytest.mark.parametrize('value', [10**400, -1, 'x', float('inf'), True])
def test_bounds_of_gradients(build_runner, value):
    with raises(ConfigError, argument='max_norm'):
        build_runner({'optim_wrapper.clip_grad.max_norm': value})


def test_data_without_any_target(build_runner):
    runner = build_runner({'train_dataloader.dataset.type': 'EmptyToyDataset'})
    with raises(DataError, 'no object', argument='data_root'):
        runner.train()
    assert runner.iter == 0


def test_a_category_that_training_never_shows(build_runner, capsys):
    build_runner({'train_dataloader.dataset.type': 'HalfToyDataset'}).train()
    assert 'No object of shoe in the training data' in capsys.readouterr().out


@pytest.mark.parametrize('task', ['train', 'test'])
def test_categories_are_those_of_the_model(build_runner, task):
    runner = build_runner()
    runner.model.head.num_classes = 2
    with raises(ConfigError, f'{task}_dataloader', argument='num_classes', value=2):
        getattr(runner, task)()


@pytest.mark.parametrize(
    ('options', 'argument', 'value'),
    [
        ({'log_level': 'FOO'}, 'log_level', 'FOO'),
        ({'load_from': 2**31}, 'load_from', 2**31),
        ({'env_cfg': None}, 'env_cfg', None),
        ({'train_cfg': 5}, 'train_cfg', 5),
        ({'optim_wrapper': 0}, 'optim_wrapper', 0),
        ({'log_processor': [1]}, 'log_processor', [1]),
        ({'visualizer': 'rich'}, 'visualizer', 'rich'),
        ({'default_hooks': 'none'}, 'default_hooks', 'none'),
        ({'randomness.seed': 'abc'}, 'seed', 'abc'),
        ({'log_processor.window_size': 50.0}, 'window_size', 50.0),
        ({'log_processor.window_size': 0}, 'window_size', 0),
    ],
)
def test_settings(build_runner, options, argument, value):
    with raises(ConfigError, argument=argument, value=value):
        build_runner(options)


def test_the_best_checkpoint_does_not_matter_in_a_test(build_runner):
    metric = {'test_evaluator': part('ObjectronMetric')}
    runner = build_runner({**metric, 'default_hooks.checkpoint.save_best': 'mAP'})
    runner._test_loop = runner.build_test_loop(runner._test_loop)
    check_run(runner)
