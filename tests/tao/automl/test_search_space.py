import pytest

from cpose.errors import ConfigError
from cpose.tao.automl.search_space import build_space
from cpose.tao.spec.spec_file import load_spec


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


MISTAKES = {
    'unknown': ('{hyperparameters: [train.optim.rate]}', r"no parameter 'train.optim.rate'"),
    'elsewhere': ('{hyperparameters: [lr]}', r'Nearest known: train\.optim\.lr'),
    'misspelt': ('{hyperparameters: [train.optim.lr_decai]}', r'Nearest known: .*lr_decay'),
    'section': ('{hyperparameters: [wandb.enable]}', 'over keys of train, model, dataset'),
    'epochs': ('{hyperparameters: [train.num_epochs]}', r'automl\.max_epochs sets it'),
    'one value': ('{hyperparameters: [dataset.num_joints]}', 'eight corners'),
    'zero': ('{hyperparameters: [dataset.aug_rot]}', r'no range around dataset\.aug_rot=0\.0'),
    'text': ('{hyperparameters: [dataset.category]}', r'no range around dataset\.category'),
    'below': (
        override('train.optim.lr', 'valid_min: -1, valid_max: 1'),
        r'train\.optim\.lr: valid_min=-1\.0 is not allowed\. Allowed: a number from 0',
    ),
    'exchanged': (
        override('train.optim.lr', 'valid_min: 0.1, valid_max: 0.01'),
        r'valid_min=0\.1 is not below valid_max=0\.01',
    ),
    'log of zero': (
        override('train.optim.lr', 'valid_min: 0, valid_max: 1, scale: log'),
        'cannot be on a log scale',
    ),
    'half': (override('train.optim.lr', 'valid_min: 0.1'), 'needs valid_min and valid_max'),
    'broken whole number': (
        override('dataset.batch_size', 'valid_min: 1.5, valid_max: 4'),
        r'valid_min=1\.5 is not allowed\. Allowed: a whole number',
    ),
    'both': (
        override('train.optim.lr', 'valid_min: 0.1, valid_options: [0.1]'),
        'has options and a range',
    ),
    'range of a text': (
        override('train.precision', 'valid_min: 1, valid_max: 2'),
        'has no range. Give valid_options',
    ),
    'option': (
        override('train.precision', 'valid_options: [fp32, fp8]'),
        r"valid_options='fp8' is not allowed\. Allowed: one of fp32, fp16, bf16",
    ),
    'twice': (
        '{range_override: [{parameter: dataset.flip, valid_min: 0, valid_max: 1}, '
        '{parameter: dataset.flip, valid_min: 0, valid_max: 0.5}]}',
        'has two ranges',
    ),
}


@pytest.mark.parametrize('kind', MISTAKES)
def test_mistakes_are_named_with_their_place(space, kind):
    automl, says = MISTAKES[kind]
    with pytest.raises(ConfigError, match=rf'spec\.yaml, line 3: .*{says}'):
        space(automl)


def test_place_on_the_command_line(space):
    with pytest.raises(ConfigError, match='Command line: there is no parameter'):
        space(words=['automl.hyperparameters=[train.x]'])
