from pathlib import Path

import pytest

from cpose.apis.inference.folder_inference import InferenceSummary
from cpose.cli.commands.tao import show_result
from cpose.tao.tasks.train import TrainResult


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
