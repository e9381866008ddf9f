import json

import pytest

from cpose.apis import training
from cpose.cli.main import main
from cpose.errors import CheckpointError

from ..apis.inference_scenes import write_box_model

REPORT = {'AP50_3DIoU': 0.5, 'num_images': 3, 'curves': {}}


@pytest.fixture
def calls(monkeypatch):
    """Replace the evaluation by one that only records its arguments."""
    found = []

    def evaluate(config, *values, scales, track):
        found.append((config.filename, *values, track, scales))
        return REPORT

    monkeypatch.setattr(training, 'evaluate', evaluate)
    return found


def test_prints_a_table_and_writes_numbers(calls, capsys, tmp_path):
    out = tmp_path / 'new/metrics.json'
    data = ['--data-root', 'photos', '--dump', 'd.json', '--work-dir', 'w']
    assert main(['test', 'dla34_bike', 'a.pth', '--out', str(out), *data]) == 0
    assert calls[0][0].endswith('dla34_bike.py')
    assert calls[0][1:] == ('a.pth', 'photos', 'd.json', 'w', 'none', False, None)
    assert json.loads(out.read_text())['AP50_3DIoU'] == 0.5
    assert 'AP50_3DIoU' in capsys.readouterr().out


def test_scales(calls):
    assert main(['test', 'dla34_bike', 'a.pth', '--scales', '0.5', '1']) == 0
    assert calls[0][-1] == [0.5, 1]


@pytest.mark.slow
def test_tracks_in_frames_of_a_video(tmp_path, capsys):
    """Numbered pictures of a folder are the frames of a video."""
    model = write_box_model(tmp_path / 'box.pth')
    folder, out = tmp_path / 'clip', tmp_path / 'tracks.json'
    assert main(['synth', str(folder), '--num', '4', '--size', '64', '64']) == 0
    words = ['--data-root', str(folder), '--work-dir', str(tmp_path / 'run'), '--track']
    assert main(['test', '-', str(model), *words, '--out', str(out)]) == 0
    report = json.loads(out.read_text())
    assert next(iter(report['per_video'])).endswith('clip/cuboid')
    assert {'consistency', 'jitter_deg', 'id_switches', 'AP50_track'} <= set(report)
    assert 'What the tracker changes' in capsys.readouterr().out


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
