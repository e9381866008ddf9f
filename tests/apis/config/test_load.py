import pytest
from mmengine.config import Config

from cpose.apis.config.load import configs_root, find_config, load_config
from cpose.apis.config.reading import read_config_file
from cpose.errors import ConfigError

from ...user_errors import raises

OVERLAYS = sorted((configs_root() / 'centerpose').glob('*.py'))


def write(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize(
    'name', ['dla34_bike', 'centerpose/dla34_bike', 'cpose::centerpose/dla34_bike.py']
)
def test_names_of_shipped_configs(name):
    assert find_config(name) == (configs_root() / 'centerpose/dla34_bike.py').resolve()


def test_unknown_config_names_the_nearest():
    with raises(ConfigError, argument='config', value='dla34_bik'):
        find_config('dla34_bik')


def test_inheritance_options_and_presets(tmp_path):
    file = write(
        tmp_path,
        'mine.py',
        "_base_ = ['cpose::centerpose/dla34_cup.py']\ntrain_dataloader = dict(batch_size=3)\n",
    )
    config = load_config(file, {'model.head.head_conv': 32, 'presets': ['_base_/compat/tao.py']})
    assert config.train_dataloader.batch_size == 3
    assert config.train_dataloader.dataset.metainfo.category == 'cup'
    assert config.model.backbone.type == 'DLA34'
    assert config.model.head.head_conv == 32
    assert config.model.head.codec.corner_rule.type == 'TruncatedCorners'
    assert 'presets' not in config
    assert config.filename == str(file)


def corner_rule(config):
    return config.model.head.codec.corner_rule.type


def test_presets_of_options_replace_those_of_the_config(tmp_path):
    file = write(
        tmp_path,
        'mine.py',
        "_base_ = 'cpose::centerpose/dla34_cup.py'\npresets = '_base_/compat/tao.py'\n",
    )
    assert corner_rule(load_config(file)) == 'TruncatedCorners'
    none = load_config(file, {'presets': []})
    assert corner_rule(none) == corner_rule(load_config(none)) == 'SubpixelCorners'
    other = load_config(file, {'presets': ['_base_/schedules/cosine.py']})
    assert corner_rule(load_config(other)) == 'SubpixelCorners'
    assert other.train_cfg.max_epochs == 16


def test_package_bases_behind_a_relative_base(tmp_path):
    write(tmp_path, 'first.py', "_base_ = 'cpose::centerpose/dla34_cup.py'\nextra = 1\n")
    second = write(tmp_path, 'second.py', "_base_ = './first.py'\nextra = _base_.extra + 1\n")
    config = load_config(second)
    assert config.extra == 2
    assert config.model.type == 'CenterPose'


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ("_base_ = './nowhere.py'\n", 'nowhere.py'),
        ('model = dict(\n', 'SyntaxError'),
        ('model = undefined_name\n', 'undefined_name'),
    ],
)
def test_broken_configs_are_named(tmp_path, text, problem):
    file = write(tmp_path, 'broken.py', text)
    with raises(ConfigError, problem, path=file):
        load_config(file)


def test_project_folder_is_importable(tmp_path, monkeypatch):
    import sys

    monkeypatch.setattr(sys, 'path', list(sys.path))
    file = write(tmp_path / 'project' / 'configs', 'mine.py', 'value = 1\n')
    load_config(file)
    assert str(tmp_path / 'project') in sys.path


@pytest.mark.parametrize('file', OVERLAYS, ids=lambda file: file.stem)
def test_overlays_are_complete(file):
    tree = read_config_file(file, find_config).to_dict()
    for key in ('model', 'train_dataloader', 'val_evaluator', 'optim_wrapper', 'default_scope'):
        assert key in tree, key
    assert load_config(Config(tree)).to_dict() == tree, 'the file leaves something to be filled in'


def test_all_combinations_are_shipped_as_a_few_lines():
    backbones = ('dla34', 'fan_small', 'fan_base', 'fan_large')
    categories = (
        'bike', 'book', 'bottle', 'camera', 'cereal_box', 'chair', 'cup', 'laptop', 'shoe',
    )  # fmt: skip
    files = {file.stem: file for file in OVERLAYS}
    for name in (f'{b}_{c}' for b in backbones for c in categories):
        assert len(files[name].read_text().splitlines()) <= 10


def test_overrides_reach_into_lists(tmp_path):
    options = {'test_dataloader.dataset.input_wh.0': 320, 'param_scheduler.0.milestones.1': 5}
    config = load_config('dla34_bike', options)
    assert config.test_dataloader.dataset.input_wh == (320, 512)
    assert config.param_scheduler[0].milestones == [90, 5]


@pytest.mark.parametrize('presets', [5, [5], {'a': 1}])
def test_presets_that_are_no_names(presets):
    with raises(ConfigError) as caught:
        load_config('dla34_bike', {'presets': presets})
    assert 'presets' in str(caught.value)


def test_misspelt_top_level_keys_are_refused(tmp_path):
    with raises(ConfigError, argument='options', value='modle'):
        load_config('dla34_bike', {'modle.head.head_conv': 32})
    file = write(tmp_path, 'mine.py', "_base_ = 'cpose::centerpose/dla34_cup.py'\nmodle = 1\n")
    assert load_config(file, {'modle': 2, 'own': 3}).modle == 2


@pytest.mark.parametrize('folder', ['models', 'datasets', 'evaluators', 'schedules'])
def test_bases_leave_nothing_to_be_filled_in(folder):
    for file in sorted((configs_root() / '_base_' / folder).glob('*.py')):
        tree = read_config_file(file, find_config).to_dict()
        assert load_config(Config(tree)).to_dict() == tree, file


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_encodings(tmp_path, encoding):
    path = tmp_path / 'mine.py'
    path.write_text(
        "_base_ = 'cpose::centerpose/dla34_cup.py'\nname = 'Größe'\n", encoding=encoding
    )
    config = load_config(load_config(path))
    assert (config.name, config.filename) == ('Größe', str(path))
