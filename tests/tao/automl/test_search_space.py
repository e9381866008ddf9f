import pytest

from cpose.error_places import NO_VALUE
from cpose.errors import ConfigError
from cpose.tao.automl.search_space import build_space
from cpose.tao.spec.spec_file import load_spec

from ...user_errors import raises

LINE = 'spec.yaml, line 3'


@pytest.fixture
def space(tmp_path):
    """Return a function that builds the space of a spec."""

    def build(automl='{}', words=()):
        file = tmp_path / 'spec.yaml'
        file.write_text(f'dataset:\n  train_data: x\nautoml: {automl}\n')
        return {item.name: item for item in build_space(load_spec(file, words))}

    return build


def override(name, entries):
    return f'{{range_override: [{{parameter: {name}, {entries}}}]}}'


def test_rate_and_decay_by_default_in_both_directions(space):
    found = space()
    assert list(found) == ['train.optim.lr', 'train.optim.lr_decay']
    rate, decay = found.values()
    assert (rate.low, rate.high, rate.is_log) == (pytest.approx(6e-6), pytest.approx(6e-4), True)
    assert (decay.low, decay.high, decay.is_log) == (pytest.approx(0.01), 1.0, True)


def test_range_is_around_the_value_of_the_spec(space):
    found = space(words=['train.optim.lr=0.01'])
    assert found['train.optim.lr'].high == pytest.approx(0.1)


def test_chosen_keys_in_place_of_the_default(space):
    found = space('{hyperparameters: [train.optim.lr, dataset.no_color_aug, dataset.batch_size]}')
    assert list(found) == ['train.optim.lr', 'dataset.no_color_aug', 'dataset.batch_size']
    assert found['dataset.no_color_aug'].options == (False, True)
    size = found['dataset.batch_size']
    assert (size.low, size.high, size.is_whole, size.is_log) == (1, 40, True, True)


def test_choices_of_the_schema(space):
    found = space('{hyperparameters: [train.precision]}')
    assert found['train.precision'].options == ('fp32', 'fp16', 'bf16')


def test_ranges_of_the_user_are_added(space):
    found = space(override('dataset.flip', 'valid_min: 0, valid_max: 0.5, scale: linear'))
    assert list(found) == ['train.optim.lr', 'train.optim.lr_decay', 'dataset.flip']
    assert (found['dataset.flip'].low, found['dataset.flip'].high) == (0, 0.5)
    assert not found['dataset.flip'].is_log


def test_lists_as_options(space):
    found = space(override('train.optim.lr_steps', 'valid_options: [[5], [5, 8]]'))
    assert found['train.optim.lr_steps'].options == ([5], [5, 8])


ENTRY = 'range_override.0'
MISTAKES = {
    'unknown': ('{hyperparameters: [train.optim.rate]}', 'train.optim.rate'),
    'section': ('{hyperparameters: [wandb.enable]}', 'wandb.enable'),
    'epochs': ('{hyperparameters: [train.num_epochs]}', 'automl.max_epochs'),
    'one value': ('{hyperparameters: [dataset.num_joints]}', 'eight corners'),
    'zero': ('{hyperparameters: [dataset.aug_rot]}', 'dataset.aug_rot'),
    'text': ('{hyperparameters: [dataset.category]}', 'dataset.category'),
}


@pytest.mark.parametrize('kind', MISTAKES)
def test_keys_that_cannot_be_searched(space, kind):
    automl, problem = MISTAKES[kind]
    with raises(ConfigError, problem, spec_key='automl.hyperparameters', where=LINE):
        space(automl)


@pytest.mark.parametrize(
    ('name', 'nearest'), [('lr', 'train.optim.lr'), ('train.optim.lr_decai', 'lr_decay')]
)
def test_misspelt_keys(space, name, nearest):
    with raises(ConfigError, name, spec_key='automl.hyperparameters', where=LINE) as caught:
        space(f'{{hyperparameters: [{name}]}}')
    assert nearest in caught.value.advice[0]


RANGES = {
    'below': (
        override('train.optim.lr', 'valid_min: -1, valid_max: 1'),
        *(f'{ENTRY}.valid_min', -1.0, 'a number from 0'),
    ),
    'exchanged': (
        override('train.optim.lr', 'valid_min: 0.1, valid_max: 0.01'),
        *(f'{ENTRY}.valid_min', 0.1, 'valid_max=0.01'),
    ),
    'log of zero': (
        override('train.optim.lr', 'valid_min: 0, valid_max: 1, scale: log'),
        *(f'{ENTRY}.valid_min', 0.0, 'log scale'),
    ),
    'half': (override('train.optim.lr', 'valid_min: 0.1'), ENTRY, NO_VALUE, 'valid_max'),
    'broken whole number': (
        override('dataset.batch_size', 'valid_min: 1.5, valid_max: 4'),
        *(f'{ENTRY}.valid_min', 1.5, 'a whole number'),
    ),
    'both': (
        override('train.optim.lr', 'valid_min: 0.1, valid_options: [0.1]'),
        *(ENTRY, NO_VALUE, 'train.optim.lr'),
    ),
    'range of a text': (
        override('train.precision', 'valid_min: 1, valid_max: 2'),
        *(ENTRY, NO_VALUE, 'train.precision'),
    ),
    'option': (
        override('train.precision', 'valid_options: [fp32, fp8]'),
        *(f'{ENTRY}.valid_options', 'fp8', 'one of fp32, fp16, bf16'),
    ),
    'twice': (
        '{range_override: [{parameter: dataset.flip, valid_min: 0, valid_max: 1}, '
        '{parameter: dataset.flip, valid_min: 0, valid_max: 0.5}]}',
        *('range_override.1', NO_VALUE, 'dataset.flip'),
    ),
}


@pytest.mark.parametrize('kind', RANGES)
def test_ranges_that_do_not_fit(space, kind):
    automl, key, value, problem = RANGES[kind]
    with raises(ConfigError, problem, spec_key=f'automl.{key}', where=LINE, value=value):
        space(automl)


def test_place_on_the_command_line(space):
    with raises(ConfigError, 'train.x', spec_key='automl.hyperparameters', where='Command line'):
        space(words=['automl.hyperparameters=[train.x]'])
