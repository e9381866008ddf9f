import pytest

from cpose.datasets.annotations.data_problems import DataProblems
from cpose.errors import ConfigError, DataError

from ...user_errors import raises


def add_some(problems):
    for i in range(5):
        problems.add('image without an annotation', f'{i}.png')
    problems.add('empty image file', 'x.png')


@pytest.fixture
def messages(monkeypatch):
    """What is logged."""
    messages = []
    monkeypatch.setattr(
        'cpose.datasets.annotations.data_problems.print_log',
        lambda text, **_: messages.append(text),
    )
    return messages


@pytest.mark.parametrize('on_error', ['raise', 'skip'])
def test_nothing_wrong(messages, on_error):
    problems = DataProblems(on_error)
    problems.report('data')
    assert len(problems) == 0
    assert messages == []


def test_raise_lists_the_first_and_counts():
    problems = DataProblems()
    add_some(problems)
    assert len(problems) == 6
    with pytest.raises(DataError) as error:
        problems.report('data/cup')
    text = str(error.value)
    assert text.startswith('Unusable files in data/cup: 6.')
    assert '5 × image without an annotation: 0.png; 1.png; 2.png; and 2 more' in text
    assert '1 × empty image file: x.png' in text
    assert "on_error='skip'" in text


def test_a_file_counts_once():
    problems = DataProblems()
    for place in range(4):
        problems.add('unknown class', 'a.png', f'a.png, objects[{place}]')
    problems.add('no projection', 'a.png', 'a.png, objects[1]')
    problems.add('unknown class', 'b.png', 'b.png, objects[0]')
    with raises(DataError, 'data: 2.') as error:
        problems.report('data')
    assert '2 × unknown class: a.png, objects[0]; b.png, objects[0]\n' in str(error.value)


def test_skip_logs_the_same(messages):
    problems = DataProblems('skip')
    add_some(problems)
    problems.report('data/cup')
    assert 'Left out of data/cup: 6 files.' in messages[0]
    assert '5 × image without an annotation' in messages[0]


def test_unknown_choice():
    with raises(ConfigError, argument='on_error'):
        DataProblems('ignore')
