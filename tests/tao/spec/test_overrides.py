import time

import pytest

from cpose.errors import ConfigError
from cpose.files.encryption_key import HIDDEN
from cpose.tao.spec.errors import SpecOrigin
from cpose.tao.spec.overrides import apply_overrides, resolve_references

from ...user_errors import raises


def test_overrides_reach_into_sections_and_leave_the_spec_alone():
    values = {'train': {'seed': 1, 'optim': {'lr': 1.0}}, 'model': None}
    words = ['train.optim.lr=6e-05', 'train.gpu_ids=[0,1]', '++model.head_conv=64', 'results_dir=']
    result, given = apply_overrides(values, words)
    assert result == {
        'train': {'seed': 1, 'optim': {'lr': 6e-5}, 'gpu_ids': [0, 1]},
        'model': {'head_conv': 64},
        'results_dir': '',
    }
    assert given == {'train.optim.lr', 'train.gpu_ids', 'model.head_conv', 'results_dir'}
    assert values == {'train': {'seed': 1, 'optim': {'lr': 1.0}}, 'model': None}


def test_value_may_hold_equal_signs():
    assert apply_overrides({}, ['a=b=c'])[0] == {'a': 'b=c'}


@pytest.mark.parametrize(
    'word',
    [
        *('train.seed', '=3', 'a..b=1', '~train.seed=1', 'a=[1', 'x.y=1'),
        *('a=\x00', f'a={"[" * 600}', f'a={"9" * 5000}'),
    ],
    ids=lambda word: repr(word[:9]),
)
def test_bad_overrides(word):
    with raises(ConfigError, spec_key=word, where='Command line'):
        apply_overrides({'x': 3}, [word])


@pytest.mark.parametrize(
    'word', ['encryption_key=[geheim', 'encryption_key:geheim', 'encryption_key.x.geheim=1', 'x=1']
)
def test_no_message_shows_the_key(word):
    with raises(ConfigError, where='Command line') as caught:
        apply_overrides({'encryption_key': 'old'}, [word, 'encryption_key geheim'])
    assert 'geheim' not in str(caught.value)


AT = SpecOrigin('s', {'a': 3}).at


def test_references():
    values = {
        'train': {'a': 2, 'b': '${train.a}', 'c': '${train.b}'},
        'd': ['x/${train.a}/${e}'],
        'e': 'y',
    }
    resolved = resolve_references(values, AT)
    assert resolved == {'train': {'a': 2, 'b': 2, 'c': 2}, 'd': ['x/2/y'], 'e': 'y'}


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('${b.c}', '${b.c}, which is not there'),
        ('${a}', 'itself'),
        ('${eval:1+1}', '${eval:1+1}, but a spec runs no code'),
        ('${oc.env:HOME}', '${oc.env:HOME}, but a spec runs no code'),
        ('${encryption_key}', 'encryption_key, which no other key may show'),
    ],
)
def test_bad_references(text, problem):
    with raises(ConfigError, problem, spec_key='a', where='s, line 3'):
        resolve_references({'a': text, 'encryption_key': 'geheim'}, AT)


@pytest.mark.parametrize(
    'values',
    [
        {'a': '${a}${a}'},
        {'a': ['${a}', '${a}']},
        {'a': {'b': '${a}'}},
        {**{f'a{n}': [f'${{a{n + 1}}}'] * 2 for n in range(40)}, 'a40': 1},
        {**{f'a{n}': f'${{a{n + 1}}}' * 2 for n in range(40)}, 'a40': 'x'},
    ],
    ids=['text', 'list', 'section', 'lists', 'texts'],
)
def test_references_that_double(values):
    start = time.monotonic()
    with raises(ConfigError, 'itself, or grows'):
        resolve_references(values, SpecOrigin('s', {}).at)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize('text', ['${oc.env:geheim}', 'geheim${x}'])
def test_key_is_not_put_together(text):
    with raises(ConfigError, spec_key='encryption_key', value=HIDDEN) as caught:
        resolve_references({'encryption_key': text}, AT)
    assert 'geheim' not in str(caught.value)
