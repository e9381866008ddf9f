import json

import cv2
import numpy as np
import pytest

from cpose.cli.main import build_parser
from cpose.errors import DataError
from cpose.evaluation.dump import write_dump
from cpose.evaluation.records import EvaluationRecord, PredictedCuboids
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.pose_data_sample import CuboidAnnotations

from ..user_errors import raises


@pytest.fixture
def dump(tmp_path):
    """Write one object and a prediction of it in units of its height, 0.1 m."""
    keypoints = cuboid_keypoints(np.array([0.2, 0.1, 0.3])) - np.array([0, 0, 2.0])
    points = np.random.default_rng(0).uniform(200, 400, (9, 2))
    annotations = CuboidAnnotations(
        np.zeros(1, np.int64),
        keypoints[None],
        points[None],
        np.array([[0.2, 0.1, 0.3]]),
        np.ones(1),
    )
    predictions = PredictedCuboids(
        np.array([0.9]), np.zeros(1, np.int64), np.ones((1, 3)), keypoints[None] * 10, points[None]
    )
    intrinsics = intrinsic_matrix(600, 600, 300, 400)
    record = EvaluationRecord(
        'a.png', np.array([600.0, 800.0]), predictions, annotations, intrinsics
    )
    write_dump(tmp_path / 'dump.json', [record], None)
    return tmp_path / 'dump.json'


def run(*argv):
    args = build_parser(['evaluate']).parse_args(['evaluate', *map(str, argv)])
    return args.func(args)


def test_prints_the_table(dump, capsys):
    assert run(dump) == 0
    printed = capsys.readouterr().out
    assert 'AP50_3DIoU' in printed
    assert '1.0000' in printed


@pytest.mark.slow
def test_writes_numbers_and_picture(dump, tmp_path):
    out, plot = tmp_path / 'metrics.json', tmp_path / 'curves.png'
    assert run(dump, '--out', out, '--plot', plot) == 0
    assert json.loads(out.read_text())['AP50_3DIoU'] == pytest.approx(1)
    assert cv2.imread(str(plot)) is not None


def test_options_reach_the_rules(dump, tmp_path):
    out = tmp_path / 'metrics.json'
    run(dump, '--absolute-scale', '--out', out)
    assert json.loads(out.read_text())['AP50_3DIoU'] == 0
    run(dump, '--eval-num-symmetry', 12, '--out', out)
    assert json.loads(out.read_text())['AP50_3DIoU'] == pytest.approx(1)


def test_bad_input_is_an_error_of_the_user(tmp_path, capsys):
    with raises(DataError, path=tmp_path / 'missing.json'):
        run(tmp_path / 'missing.json')
    with pytest.raises(SystemExit) as error:
        run(tmp_path / 'missing.json', '--eval-num-symmetry', 0)
    assert error.value.code == 2
    assert 'whole number' in capsys.readouterr().err
