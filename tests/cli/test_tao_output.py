from pathlib import Path

import pytest

from cpose.apis.inference.folder_inference import InferenceSummary
from cpose.cli.commands.tao import show_result
from cpose.cli.main import main
from cpose.engine import processes
from cpose.tao.tasks import run
from cpose.tao.tasks.train import TrainResult

from ..tao.specs import write_spec


@pytest.mark.parametrize(
    ('task', 'result', 'text'),
    [
        ('train', TrainResult(Path('a.pth'), {}), 'Trained: a.pth'),
        ('train', TrainResult(None, {}), 'a dry run, nothing saved'),
        (
            'inference',
            InferenceSummary(3, 2, 1, ['b.png is empty']),
            '3 images, 2 objects, 1 with pose',
        ),
        ('inference', InferenceSummary(3, 2, 1, ['[b]/c.png is empty']), 'Left out: [b]/c.png'),
        ('inference', InferenceSummary(3, 2, 1, ['b.png is empty']), 'Left out: b.png is empty'),
        ('export', Path('m.onnx'), 'Written: m.onnx'),
        ('evaluate', {'AP50_3DIoU': 0.25}, '0.2500'),
    ],
)
def test_results(capsys, task, result, text):
    show_result(task, result, Path('folder'))
    output = capsys.readouterr().out
    assert text in output
    assert output.endswith('Execution status: PASS\n')


@pytest.mark.parametrize('is_first', [True, False])
def test_one_of_several_processes_tells(tmp_path, monkeypatch, capsys, is_first):
    connected = [True]
    monkeypatch.setattr(run, 'run_task', lambda *_: TrainResult(Path('a.pth'), {}))
    monkeypatch.setattr(processes, 'is_first_process', lambda: is_first or not connected)
    monkeypatch.setattr(processes, 'leave_processes', connected.clear)
    spec = write_spec(tmp_path)
    assert main(['tao', 'train', '-e', str(spec), '--launcher', 'pytorch']) == 0
    assert ('Execution status' in capsys.readouterr().out) == is_first
