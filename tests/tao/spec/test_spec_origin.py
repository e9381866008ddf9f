import pytest

from cpose.errors import ConfigError
from cpose.tao.spec.errors import SpecOrigin
from cpose.tao.spec.yaml_reading import read_spec_text

from ...user_errors import raises
from ..specs import make_spec

ORIGIN = SpecOrigin(
    's.yaml', {'train': 1, 'train.seed': 2}, frozenset({'a.b'}), frozenset({'a.b', 'train.seed'})
)


def test_place_is_that_of_the_nearest_section():
    assert ORIGIN.place('train.seed') == 'Spec s.yaml, line 2'
    assert ORIGIN.place('train.gpu_ids.1') == 'Spec s.yaml, line 1'
    assert ORIGIN.place('model.x') == 'Spec s.yaml'
    assert ORIGIN.place('a.b.0') == 'Command line'


def test_gives():
    assert ORIGIN.gives('a')
    assert ORIGIN.gives('a.b')
    assert not ORIGIN.gives('train.se')


@pytest.mark.parametrize(
    ('word', 'key'),
    [
        ('train.optim.lr_steps=[0]', 'train.optim.lr_steps.0'),
        ('train.optim={lr: -1}', 'train.optim.lr'),
        ('train.optim={lr: -1}', 'train.optim'),
    ],
)
def test_words_of_the_command_line_are_not_blamed_on_the_file(tmp_path, word, key):
    path = tmp_path / 'spec.yaml'
    path.write_text('results_dir: r\ntrain:\n  optim:\n    lr: 1\n    lr_steps: [5, 6]\n')
    overridden = frozenset([word.partition('=')[0]])
    origin = SpecOrigin(str(path), read_spec_text(path).lines, overridden)
    assert origin.place(key) == 'Command line'
    assert origin.place('train') == f'Spec {path}, line 2'


def test_wrong_entry_of_a_list_of_the_command_line(tmp_path):
    values = 'results_dir: r\ntrain:\n  optim:\n    lr_steps: [5, 6]\n'
    with raises(ConfigError, spec_key='train.optim.lr_steps.0', where='Command line', value=0):
        make_spec(tmp_path, 'train.optim.lr_steps=[0]', values=values)
