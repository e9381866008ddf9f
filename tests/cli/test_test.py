import json

import pytest

from cpose.apis import training
from cpose.cli.main import main
from cpose.errors import CheckpointError

REPORT = {'AP50_3DIoU': 0.5, 'num_images': 3, 'curves': {}}


@pytest.fixture
def calls(monkeypatch):
    """Replace the evaluation by one that only records its arguments."""
    found = []

    def evaluate(config, *values, scales):
        found.append((config.filename, *values, scales))
        return REPORT

    monkeypatch.setattr(training, 'evaluate', evaluate)
    return found


def test_prints_a_table_and_writes_numbers(calls, capsys, tmp_path):
    out = tmp_path / 'new/metrics.json'
    data = ['--data-root', 'photos', '--dump', 'd.json', '--work-dir', 'w']
    assert main(['test', 'dla34_bike', 'a.pth', '--out', str(out), *data]) == 0
    assert calls[0][0].endswith('dla34_bike.py')
    assert calls[0][1:] == ('a.pth', 'photos', 'd.json', 'w', 'none', None)
    assert json.loads(out.read_text())['AP50_3DIoU'] == 0.5
    assert 'AP50_3DIoU' in capsys.readouterr().out


def test_scales(calls):
    assert main(['test', 'dla34_bike', 'a.pth', '--scales', '0.5', '1']) == 0
    assert calls[0][-1] == [0.5, 1]


def test_unusable_checkpoint(monkeypatch, capsys):
    def evaluate(*_, **__):
        raise CheckpointError('Checkpoint a.pth is empty.')

    monkeypatch.setattr(training, 'evaluate', evaluate)
    assert main(['test', 'dla34_bike', 'a.pth']) == 2
    assert capsys.readouterr().err == 'cpose test: Checkpoint a.pth is empty.\n'


def test_config_of_a_missing_checkpoint(capsys, tmp_path):
    assert main(['test', '-', str(tmp_path / 'no.pth')]) == 2
    assert 'no.pth does not exist' in capsys.readouterr().err


def test_output_that_cannot_be_written_is_found_before_the_evaluation(calls, capsys, tmp_path):
    (tmp_path / 'file').touch()
    out = str(tmp_path / 'file/metrics.json')
    assert main(['test', 'dla34_bike', 'a.pth', '--out', out]) == 2
    assert not calls
    assert 'metrics.json' in capsys.readouterr().err


def test_checkpoint_is_required(capsys):
    with pytest.raises(SystemExit) as caught:
        main(['test', 'dla34_bike'])
    assert caught.value.code == 2
    assert 'CHECKPOINT' in capsys.readouterr().err
