import json

import pytest

from cpose.errors import ConfigError
from cpose.tao.jobs.status import spec_failures_recorded

from ...user_errors import raises


def fail(path, words=()):
    with (
        raises(ConfigError, 'line 3'),
        spec_failures_recorded(path, words, 'evaluate'),
    ):
        raise ConfigError('line 3')


@pytest.mark.parametrize(
    ('text', 'words', 'place'),
    [
        ('results_dir: {0}/a\nevaluat: 1', [], 'a/evaluate'),
        ('results_dir: {0}/a\nevaluate:\n  results_dir: {0}/b', [], 'b'),
        ('results_dir: {0}/a', ['results_dir={0}/c'], 'c/evaluate'),
        ('evaluate: text\nresults_dir: {0}/a', [], 'a/evaluate'),
        ('[ {0}', ['results_dir={0}/c'], 'c/evaluate'),
    ],
)
def test_failure_is_told_where_results_would_be(tmp_path, text, words, place):
    (tmp_path / 'spec.yaml').write_text(text.format(tmp_path))
    fail(tmp_path / 'spec.yaml', [word.format(tmp_path) for word in words])
    line = json.loads((tmp_path / place / 'status.json').read_text())
    assert (line['status'], line['message']) == ('FAILURE', 'Configuration error: line 3')


@pytest.mark.parametrize('text', [None, '{broken', 'results_dir: ""', 'results_dir: ${x}', '[]'])
def test_nothing_is_written_where_the_place_is_not_known(tmp_path, text, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / 'spec.yaml').write_text(text)
    fail(tmp_path / 'spec.yaml')
    assert not list(tmp_path.rglob('status.json'))
