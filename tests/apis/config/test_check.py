import pytest
from mmengine.config import Config

from cpose.apis.config.check import check_config, import_custom_modules
from cpose.apis.config.load import load_config
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError

from ...user_errors import raises


@pytest.fixture
def config():
    return load_config('dla34_bike')


def test_shipped_config_is_right(config):
    check_config(config, ('model', 'train_dataloader'))


@pytest.mark.parametrize(
    ('key', 'value', 'wrong', 'near'),
    [
        ('model.backbone.type', 'DLA43', 'model.backbone.type', 'DLA34'),
        ('model.backbone.type', '', 'model.backbone.type', ''),
        ('model.backbone.type', '..', 'model.backbone.type', ''),
        (
            'model.head.criterion',
            {'type': 'CenterPoseLos'},
            'model.head.criterion.type',
            'CenterPoseLoss',
        ),
        (
            'model.head.branches.hm',
            {'type': 'CenterHeatmap'},
            'model.head.branches.hm.type',
            'CenterHeatmapBranch',
        ),
        ('model.head.head_cnv', 64, 'model.head.head_cnv', 'head_conv'),
        (
            'train_dataloader.dataset.pipeline',
            [{'type': 'LoadPoseImages'}],
            'train_dataloader.dataset.pipeline[0].type',
            'LoadPoseImage',
        ),
    ],
)
def test_mistakes_are_named(config, key, value, wrong, near):
    config.merge_from_dict({key: value})
    with raises(ConfigError, key=wrong, argument=wrong.rpartition('.')[2]) as caught:
        check_config(config)
    assert near in caught.value.advice[0]


def test_missing_key_is_named(config):
    config.pop('model')
    with raises(ConfigError, "'model'") as caught:
        check_config(config)
    assert caught.value.place.file.endswith('dla34_bike.py')
    with raises(ConfigError, "'model'", place=ConfigPlace(())):
        check_config(Config({'model': None}))


@pytest.mark.parametrize(
    ('key', 'value', 'wrong'),
    [
        ('custom_hooks', [{}], 'custom_hooks[0]'),
        ('param_scheduler', [{'begin': 0}], 'param_scheduler[0]'),
        (
            'train_dataloader',
            {'sampler': {'shuffle': True}, 'dataset': {'type': 'X'}},
            'train_dataloader.sampler',
        ),
    ],
)
def test_parts_without_a_type(config, key, value, wrong):
    config[key] = value
    with raises(ConfigError, '"type"', key=wrong):
        check_config(config, ('model', 'train_dataloader'))


@pytest.mark.parametrize(
    ('key', 'value', 'near', 'far'),
    [
        ('custom_hooks', [{'type': 'Bar'}], 'AtomicCheckpointHook', 'Xavier'),
        ('optim_wrapper.optimizer.type', 'Adma', 'Adam', 'AdapterHook'),
        ('model.head.postprocessor.solver', {'type': 'PnP'}, 'InFrontPnP', 'Loop'),
        ('visualizer.vis_backends', [{'type': 'VisBackend'}], 'LocalVisBackend', 'Visualizer,'),
        ('own.part', {'type': 'DLA43'}, 'DLA34', 'Xavier'),
    ],
)
def test_nearest_names_fit_the_place(config, key, value, near, far):
    config.merge_from_dict({key: value})
    with raises(ConfigError, argument='type') as caught:
        check_config(config)
    assert near in caught.value.advice[0]
    assert far not in caught.value.advice[0]


def test_missing_module_is_named(config):
    config.custom_imports = {'imports': ['no_such_package_of_mine']}
    with raises(ConfigError, 'no_such_package_of_mine', key='custom_imports'):
        import_custom_modules(config)


@pytest.mark.parametrize('wanted', [5, [5], {'imports': [None]}])
def test_imports_that_are_no_names(config, wanted):
    config.custom_imports = wanted
    with raises(ConfigError, key='custom_imports', value=wanted):
        import_custom_modules(config)


@pytest.mark.parametrize(
    ('key', 'value', 'place', 'problem'),
    [
        ('batchsize', 4, 'train_dataloader.batchsize', ''),
        ('sampler', None, 'train_dataloader', "'sampler'"),
        ('dataset', None, 'train_dataloader', "'dataset'"),
    ],
)
def test_mistakes_in_data_loaders_are_named(config, key, value, place, problem):
    config.train_dataloader[key] = value
    check_config(config)
    with raises(ConfigError, problem, key=place):
        check_config(config, ('train_dataloader',))


def test_settings_inherited_from_another_type():
    neck = {'type': 'PlainConv', 'out_stride': 4}
    config = Config({'model': {'type': 'CenterPose', 'neck': neck}})
    with raises(ConfigError, 'PlainConv', argument='out_stride') as caught:
        check_config(config)
    assert 'model.neck=dict(_delete_=True, ...)' in caught.value.advice[0]


def test_whole_numbers_that_nothing_can_take():
    for value in (2**63 - 1, 1 - 2**63):
        check_config(load_config('dla34_bike', {'randomness.seed': value}))
    for value in (2**63, -(10**76)):
        config = load_config('dla34_bike', {'optim_wrapper.optimizer.lr': value})
        with raises(ConfigError, '64', key='optim_wrapper.optimizer.lr'):
            check_config(config)
        config = load_config('dla34_bike', {'param_scheduler.0.milestones': [1, value]})
        with raises(ConfigError, '64', key='param_scheduler[0].milestones[1]'):
            check_config(config)
