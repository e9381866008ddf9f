import pytest

from cpose.apis.config.load import load_config
from cpose.error_places import NO_VALUE
from cpose.errors import ConfigError
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.translation.spec_config import (
    CONFIG_NAME,
    evaluation_overlay,
    load_overlay,
    overlay_text,
    training_overlay,
)

from ...user_errors import raises

SPEC = """
results_dir: results
dataset: {train_data: data, category: mug}
model: {backbone: {model_type: fan_small}}
"""
ODD_TEXTS = (
    '"""\'\\',
    "'; import os; os.mkdir('pasted')\n",
    '{{$HOME:x}}',
    '{{{$HOME:x}}}',
    '{{ fileBasename }}',
    '{{base.model}}',
    'wörter ' * 30 + '{{$HOME:x}}',
)


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'spec.yaml').write_text(SPEC)
    return lambda *words: load_spec('spec.yaml', words, 'train')


@pytest.mark.parametrize(
    'words',
    [
        (),
        ('train.precision=fp16', 'train.optim.lr_steps=[]', 'dataset.hps_uncertainty=true'),
        ('train.is_dry_run=true', 'model.backbone.model_type=DLA34'),
        ('train.checkpointer.enable_topk=true', 'dataset.val_data=data'),
    ],
)
def test_file_and_data_are_the_same_config(spec, tmp_path, words):
    overlay = training_overlay(spec(*words))
    (tmp_path / 'config.py').write_text(overlay_text(overlay, 'Test.'))
    assert load_config(tmp_path / 'config.py').to_dict() == load_overlay(overlay).to_dict()


@pytest.mark.parametrize('text', ODD_TEXTS)
def test_values_and_titles_are_only_values(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    overlay = {'experiment_name': text, 'env_cfg': {text: [text, (text, None, 1.5, True)]}}
    (tmp_path / 'config.py').write_text(overlay_text(overlay, text), encoding='utf-8')
    assert load_config('config.py').to_dict() == load_overlay(overlay).to_dict() == overlay
    assert not (tmp_path / 'pasted').exists()


def test_config_of_a_run_tells_where_it_is(spec, tmp_path):
    overlay = training_overlay(spec())
    config = load_overlay(overlay, tmp_path)
    assert config.filename == str(tmp_path / CONFIG_NAME)
    assert load_config(config.filename).to_dict() == config.to_dict()


def test_bases_do_not_share_keys():
    bases = ['cpose::_base_/models/dla34.py'] * 2
    with raises(ConfigError, 'model', argument='_base_'):
        load_overlay({'_base_': bases})


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('results_dir', '{{$HOME:x}}'),
        ('model_name', 'a {{ $HOME:x }}'),
        ('dataset.category', '{{$CPOSE_ENCRYPTION_KEY:x}}'),
        ('train.checkpointer.filename', '{{ base.model }}'),
        ('train.checkpointer.filename', '{{_base_.model}}'),
        ('dataset.category', '{{ _base_.a.b }}'),
        ('model_name', '{{"$HOME:x"}}'),
        ('model_name', "{{'$HOME:x'}}"),
        ('wandb.tags', ['{{ fileBasename }}']),
    ],
)
def test_templates_of_configs_are_refused(tmp_path, key, value):
    (tmp_path / 'spec.yaml').write_text(SPEC)
    with raises(ConfigError, spec_key=key, where='Command line', value=NO_VALUE):
        load_spec(tmp_path / 'spec.yaml', [f'{key}={value!r}'])


def test_line_of_a_template_is_named_but_not_its_text(tmp_path):
    (tmp_path / 'spec.yaml').write_text("encryption_key: '{{$HOME:geheim}}'\n")
    with raises(ConfigError, spec_key='encryption_key', where='line 1') as caught:
        load_spec(tmp_path / 'spec.yaml')
    assert 'geheim' not in str(caught.value)


def test_evaluation_needs_its_own_folder_only(spec):
    own = spec('results_dir=', 'evaluate.results_dir=own', 'dataset.test_data=data')
    assert evaluation_overlay(own)['test_dataloader']['dataset']['data_root'] == 'data'


def test_a_dry_run_leaves_the_test_data_whole(spec):
    overlay = training_overlay(spec('train.is_dry_run=true', 'dataset.val_data=data'))
    assert overlay['train_dataloader']['num_batch_per_epoch'] == 1
    assert overlay['val_dataloader']['num_batch_per_epoch'] == 1
    assert 'num_batch_per_epoch' not in overlay['test_dataloader']


TWO = 'dataset.category=[bottle,mug]'


def test_several_categories(spec):
    config = load_overlay(training_overlay(spec(TWO, 'evaluate.eval_num_symmetry=[100,1]')))
    assert config.model.head.num_classes == 2
    for loader in ('train_dataloader', 'test_dataloader'):
        metainfo = config[loader].dataset.metainfo
        assert metainfo.category == ['bottle', 'mug']
        assert [item.get('order') for item in metainfo.symmetry] == [12, None]
        assert metainfo.eval_num_symmetry == [100, 1]
    each = training_overlay(spec(TWO, 'dataset.num_symmetry=[1,3]', 'dataset.num_classes=2'))
    symmetry = load_overlay(each).train_dataloader.dataset.metainfo.symmetry
    assert [item.order for item in symmetry] == [12, 3]
    of_all = load_overlay(training_overlay(spec(TWO, 'dataset.num_symmetry=2')))
    assert [item.order for item in of_all.train_dataloader.dataset.metainfo.symmetry] == [2, 2]


def test_a_list_of_one_category_is_one(spec):
    config = load_overlay(training_overlay(spec('dataset.category=[mug]')))
    assert config.model.head.num_classes == 1
    assert config.train_dataloader.dataset.metainfo.category == 'mug'


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('dataset.num_classes', 3),
        ('dataset.num_classes', 1),
        ('dataset.num_symmetry', [1, 2, 3]),
        ('evaluate.eval_num_symmetry', [100, 1, 1]),
    ],
)
def test_numbers_that_are_not_those_of_the_categories(spec, key, value):
    with raises(ConfigError, spec_key=key, value=value):
        training_overlay(spec(TWO, f'{key}={value}'))


def test_reference_of_residuals_by_category(spec):
    words = (TWO, 'train.loss_config.use_residual=true')
    for text, expected in (('1,1,2', [1, 1, 2]), ('1,1,2,3,1,4', [[1, 1, 2], [3, 1, 4]])):
        overlay = training_overlay(spec(*words, f'train.loss_config.dimension_ref="{text}"'))
        coder = load_overlay(overlay).model.head.branches.scale.coder
        assert coder.to_dict() == {'type': 'ResidualDims', 'reference': expected}
    with raises(ConfigError, '6', spec_key='train.loss_config.dimension_ref', value='1,1,2,3'):
        training_overlay(spec(*words, 'train.loss_config.dimension_ref="1,1,2,3"'))
