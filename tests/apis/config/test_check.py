import pytest
from mmengine.config import Config

from cpose.apis.config.check import check_config, import_custom_modules
from cpose.apis.config.load import load_config
from cpose.errors import ConfigError


@pytest.fixture
def config():
    return load_config('dla34_bike')


def test_shipped_config_is_right(config):
    check_config(config, ('model', 'train_dataloader'))


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        (
            'model.backbone.type',
            'DLA43',
            r"Unknown type 'DLA43' \(config key model.backbone.type\).*DLA34",
        ),
        (
            'model.head.criterion',
            {'type': 'CenterPoseLos'},
            r'model.head.criterion.type.*CenterPoseLoss',
        ),
        (
            'model.head.branches.hm',
            {'type': 'CenterHeatmap'},
            r'model.head.branches.hm.type.*CenterHeatmapBranch',
        ),
        (
            'model.head.head_cnv',
            64,
            r"no argument 'head_cnv' \(config key model.head.head_cnv\).*head_conv",
        ),
        (
            'train_dataloader.dataset.pipeline',
            [{'type': 'LoadPoseImages'}],
            r'train_dataloader.dataset.pipeline\[0\].type.*LoadPoseImage',
        ),
    ],
)
def test_mistakes_are_named(config, key, value, message):
    config.merge_from_dict({key: value})
    with pytest.raises(ConfigError, match=message):
        check_config(config)


def test_missing_key_is_named(config):
    config.pop('model')
    with pytest.raises(ConfigError, match=r"dla34_bike.py has no key 'model'"):
        check_config(config)

    config = Config({'model': None})
    with pytest.raises(ConfigError, match=r"^The config has no key 'model'"):
        check_config(config)


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
    with pytest.raises(ConfigError, match='Unknown type') as caught:
        check_config(config)
    assert near in str(caught.value)
    assert far not in str(caught.value)


def test_missing_module_is_named(config):
    config.custom_imports = {'imports': ['no_such_package_of_mine']}
    with pytest.raises(ConfigError, match=r'no_such_package_of_mine.*PYTHONPATH'):
        import_custom_modules(config)


@pytest.mark.parametrize('wanted', [5, [5], {'imports': [None]}])
def test_imports_that_are_no_names(config, wanted):
    config.custom_imports = wanted
    with pytest.raises(ConfigError, match=r'custom_imports=.* is no list of modules'):
        import_custom_modules(config)


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('batchsize', 4, r"'batchsize' \(config key train_dataloader.batchsize\).*batch_size"),
        ('sampler', None, "train_dataloader has no key 'sampler'"),
        ('dataset', None, "train_dataloader has no key 'dataset'"),
    ],
)  # fmt: skip
def test_mistakes_in_data_loaders_are_named(config, key, value, message):
    config.train_dataloader[key] = value
    check_config(config)
    with pytest.raises(ConfigError, match=message):
        check_config(config, ('train_dataloader',))


def test_settings_inherited_from_another_type():
    neck = {'type': 'PlainConv', 'out_stride': 4}
    config = Config({'model': {'type': 'CenterPose', 'neck': neck}})
    says = r"PlainConv takes no argument 'out_stride' .* model\.neck=dict\(_delete_=True, \.\.\.\)"
    with pytest.raises(ConfigError, match=says):
        check_config(config)
