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
        ('"007"', '007'),
        ("'true'", 'true'),
        ('"/a b/c,d"', '/a b/c,d'),
        ('"1","a,b",c', ['1', 'a,b', 'c']),
        ('["1",b-c, "2 3", 4]', ['1', 'b-c', '2 3', 4]),
        ('(../a b,["1",c],)', ('../a b', ['1', 'c'])),
        ('it\'s,5"', ["it's", '5"']),
        ('(a,b),(c,"1")', [('a', 'b'), ('c', '1')]),
        ('b c,[d e,"]"]', ['b c', ['d e', ']']]),
        ('a,', ['a']),
        ('[]', []),
        ('', ''),
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


@pytest.mark.parametrize('text', ['[1, (2]', '1,(2', 'a,b)', '[a,b', '"a,b'])
def test_what_is_not_closed(text):
    with pytest.raises(ValueError, match=r'Imbalanced (brackets|quotes)'):
        read_value(text)
