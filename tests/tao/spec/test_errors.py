import pytest

from cpose.errors import ConfigError
from cpose.tao.spec.errors import suggest_key
from cpose.tao.spec.spec_file import load_spec

from ..specs import write_spec


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            'train:\n  num_epochs: 0',
            'line 2: train.num_epochs=0 is not allowed. Allowed: a whole number from 1.',
        ),
        ('train:\n  num_epochs: two', "line 2: train.num_epochs='two' is not allowed"),
        ('train:\n  num_epochs: 2.5', 'train.num_epochs=2.5 is not allowed'),
        ('train:\n  num_epochs: true', 'train.num_epochs=True is not allowed'),
        (
            'train:\n  optim:\n    lr: .nan',
            'line 3: train.optim.lr=nan is not allowed. Allowed: a number from 0.',
        ),
        ('train:\n  optim:\n    lr: fast', "train.optim.lr='fast' is not allowed"),
        (
            'train:\n  gpu_ids: [0, -1]',
            'line 2: train.gpu_ids.1=-1 is not allowed. Allowed: a whole number from 0.',
        ),
        (
            'train:\n  gpu_ids: []',
            'Allowed: a list of at least 1, each a whole number from 0.',
        ),
        (
            'automl:\n  range_override:\n    - {parameter: a, valid_min: b}',
            "automl.range_override.0.valid_min='b' is not allowed. Allowed: a number or null.",
        ),
        ('train:\n  precision: fp64', 'Allowed: one of fp32, fp16, bf16.'),
        ('train: 3', 'line 1: train=3 is not allowed. Allowed: a section of keys.'),
        (
            'dataset:\n  use_pnp: 1',
            'line 2: there is no key dataset.use_pnp. Nearest known: inference.use_pnp.',
        ),
        (
            'backbone:\n  model_type: DLA34',
            'line 1: there is no key backbone. Nearest known: model.backbone.',
        ),
        (
            'dataset:\n  inference data: x',
            'there is no key dataset.inference data. Nearest known: inference_data',
        ),
        ('trian: {}', 'there is no key trian. Nearest known: train'),
        (
            'dataset:\n  num_classes: 2',
            'dataset.num_classes=2 cannot apply: a TAO spec names one category',
        ),
        (
            'dataset:\n  num_joints: 7',
            'dataset.num_joints=7 cannot apply: a cuboid has eight corners',
        ),
        ('dataset:\n  input_res: 500', 'Allowed: a whole number from 32 in steps of 32.'),
        ('dataset:\n  mean: [1, 2]', 'Allowed: a list of 3, each a number.'),
        ('dataset:\n  pin_memory: maybe', 'Allowed: true or false.'),
        ('train:\n  num_nodes: 2', 'cpose train --launcher pytorch'),
    ],
)
def test_messages(tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        load_spec(write_spec(tmp_path, text))
    assert message in str(caught.value)
    assert 'spec.yaml' in str(caught.value)


@pytest.mark.parametrize('value', ['[geheim]', '{geheim: 1}', '0123', 'true', '12.5'])
def test_no_message_shows_the_key(tmp_path, value):
    with pytest.raises(ConfigError) as caught:
        load_spec(write_spec(tmp_path, f'encryption_key: {value}'))
    says = 'line 1: encryption_key=*** is not allowed. Allowed: a text, numbers in quotes.'
    assert str(caught.value).endswith(says)
    assert load_spec(write_spec(tmp_path, 'encryption_key: "0123"')).values.encryption_key == '0123'


def test_all_mistakes_are_told_at_once(tmp_path):
    path = write_spec(tmp_path, 'train:\n  seed: x\n  num_epochs: y\n')
    with pytest.raises(ConfigError) as caught:
        load_spec(path, ['model.head_conv=1'])
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert any(line.startswith('Command line: model.head_conv=1') for line in lines)


def test_many_mistakes_are_counted(tmp_path):
    names = '\n'.join(f'  bad_{number}: 1' for number in range(20))
    with pytest.raises(ConfigError, match=r'and 12 more'):
        load_spec(write_spec(tmp_path, f'train:\n{names}'))


def test_long_values_are_cut(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_spec(write_spec(tmp_path, f'train:\n  seed: {"x" * 500}'))
    assert len(str(caught.value)) < 300


def test_suggestion_prefers_the_same_name_elsewhere():
    assert suggest_key('train.lr') == 'Nearest known: train.optim.lr.'
