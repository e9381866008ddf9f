"""The metric is measured, shown and chosen by, with no edit in cpose."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from cpose.apis.config.load import load_config
from cpose.cli.main import main
from cpose.engine.checkpoint_list import better_rule
from cpose.geometry.projection import project_points
from cpose.registry import METRICS
from cpose.structures.camera import cv_from_gl, intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample

PROJECT = Path(__file__).parents[1]
CONFIG = PROJECT / 'configs' / 'quickstart_center_height.py'
NAMES = ['AP_center_height10', 'mean_center_height']
INTRINSICS = intrinsic_matrix(600.0, 600.0, 300.0, 400.0)
TINY = [
    *(
        f'{part}_dataloader.{key}'
        for part in ('train', 'val', 'test')
        for key in (
            'dataset.num_images=4',
            'dataset.image_wh=(64,64)',
            'dataset.input_wh=(64,64)',
            'batch_size=4',
            'num_workers=0',
            'persistent_workers=False',
        )
    ),
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
]


def evaluate_raised_box(monkeypatch, share):
    """Evaluate a box that is predicted higher than it is, by a share of its height."""
    monkeypatch.syspath_prepend(str(PROJECT))
    import example_metric.center_height  # noqa: F401

    dims = np.array([0.2, 0.5, 0.3])
    true = cuboid_keypoints(dims) + np.array([0.0, 0.0, -2.0])
    found = cv_from_gl(true + np.array([0.0, share * dims[1], 0.0]))
    annotations = CuboidAnnotations(
        labels=np.zeros(1, dtype=np.int64),
        keypoints_gl=true[None],
        keypoints_image=project_points(cv_from_gl(true), INTRINSICS)[None],
        dims_metric=dims[None],
        visibility=np.ones(1),
    )
    points = project_points(found, INTRINSICS)
    pose = ObjectPose(
        0.9, 0, np.zeros(4), points[1:], dims, keypoints_cv=found, keypoints_image=points
    )
    sample = PoseDataSample(
        'a', (600, 800), (512, 512), np.eye(3)[:2], INTRINSICS, annotations=annotations
    )
    shipped = load_config('_base_/evaluators/objectron').test_evaluator
    metric = METRICS.build({**shipped, 'extra_metrics': [{'type': 'CenterHeightError'}]})
    metric.process({'data_samples': [sample]}, [PoseResult('a', (600, 800), INTRINSICS, [pose])])
    return metric, metric.evaluate(1)


@pytest.mark.parametrize(('share', 'precision'), [(0.08, 1.0), (0.12, 0.0)])
def test_error_is_in_per_cent_of_the_height(monkeypatch, share, precision):
    metric, numbers = evaluate_raised_box(monkeypatch, share)
    assert numbers['mean_center_height'] == pytest.approx(100 * share)
    assert numbers['AP_center_height10'] == precision
    assert metric.report['curves']['center_height']['thresholds'][-1] == 20
    assert better_rule('mean_center_height', [metric]) == 'less'
    assert better_rule('AP_center_height10', [metric]) == 'greater'


@pytest.mark.slow
def test_trains_and_reports_through_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    assert main(['train', str(CONFIG), '--work-dir', 'run', '--cfg-options', *TINY]) == 0
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert all(name in log for name in NAMES)
    capsys.readouterr()
    outputs = ['--out', 'out.json', '--plot', 'out.png', '--dump', 'dump.json']
    command = ['test', str(CONFIG), 'run/epoch_1.pth', *outputs]
    assert main([*command, '--cfg-options', *TINY]) == 0
    shown = capsys.readouterr().out
    report = json.loads((tmp_path / 'out.json').read_text())
    assert all(name in report and name in shown for name in NAMES)
    assert report['extra_metrics'][0]['unit'] == 'per cent of the height'
    # Two rows of four panels are not enough for nine.
    assert cv2.imread('out.png').shape[0] > 1500
    assert main(['evaluate', 'dump.json', '--config', str(CONFIG), '--out', 'again.json']) == 0
    assert json.loads((tmp_path / 'again.json').read_text()) == report
