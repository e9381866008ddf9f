import pytest

from cpose.cli.option_values import read_value


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('3', 3),
        ('2e-3', 2e-3),
        ('true', True),
        ('None', None),
        ('word', 'word'),
        ('"my data/train"', 'my data/train'),
        ('my data (1)', 'my data (1)'),
        ('data/{category}/train', 'data/{category}/train'),
        ('1,2', [1, 2]),
        ('[1, 2]', [1, 2]),
        ('(96,96)', (96, 96)),
        ('[a,b-c]', ['a', 'b-c']),
        ("['_base_/compat/tao.py']", ['_base_/compat/tao.py']),
        (
            "dict(type='A', terms=dict(hm=None, hps={'a': -1}))",
            {'type': 'A', 'terms': {'hm': None, 'hps': {'a': -1}}},
        ),
        ("[dict(type='EMAHook', momentum=1e-4)]", [{'type': 'EMAHook', 'momentum': 1e-4}]),
        ('{}', {}),
    ],
)
def test_values(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize(
    'text', ['dict(a', "[dict(type='A')", '{a}', 'dict(1)', 'dict(a=f())', 'dict(**b)', '{**a}']
)
def test_mistakes(text):
    with pytest.raises(ValueError, match='is no Python value'):
        read_value(text)


@pytest.mark.parametrize('text', ['[1, (2]', '1,(2'])
def test_brackets_that_do_not_match(text):
    with pytest.raises((ValueError, AssertionError), match='Imbalanced brackets'):
        read_value(text)
