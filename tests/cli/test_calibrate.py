import cv2
import numpy as np
import pytest

from cpose.apis.inference.camera_io import read_camera_file
from cpose.cli.main import main
from cpose.metric_scale.boards import Board

from ..annotation.board_pictures import IMAGE_WH, INTRINSICS, draw_views


@pytest.fixture(scope='session')
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp('photographs')
    for number, picture in enumerate(draw_views(Board())):
        cv2.imwrite(str(folder / f'{number:02d}.png'), picture)
    (folder / 'broken.png').write_bytes(b'\x89PNG')
    return folder


@pytest.mark.slow
def test_a_board_and_a_camera(photographs, tmp_path, capsys):
    out = tmp_path / 'camera.yaml'
    assert main(['calibrate', str(photographs), '--out', str(out)]) == 0
    captured = capsys.readouterr()
    assert 'broken.png' in captured.err
    assert '% of the image' not in captured.err
    assert '12 used; 12 of 12 show the board' in captured.out
    camera = read_camera_file(out)
    assert camera.image_wh == IMAGE_WH
    assert abs(camera.intrinsics[0, 0] / INTRINSICS[0, 0] - 1) < 0.005
    assert main(['calibrate', str(photographs), '--out', str(out)]) == 0  # its own file


def test_a_camera_of_somebody_else_stays(photographs, tmp_path, capsys):
    out = tmp_path / 'camera.yaml'
    out.write_text('fx: 1\n')
    assert main(['calibrate', str(photographs), '--out', str(out)]) == 2
    assert '--force' in capsys.readouterr().err
    assert out.read_text() == 'fx: 1\n'


def test_a_video_is_calibrated_from(tmp_path, capsys):
    path, out = tmp_path / 'a.avi', tmp_path / 'camera.yaml'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 25.0, IMAGE_WH)
    for picture in draw_views(Board())[:9]:
        writer.write(picture)
    writer.release()
    assert main(['calibrate', str(path), '--every', '2', '--out', str(out)]) == 0
    captured = capsys.readouterr()
    assert '5 of 5 show the board' in captured.out
    assert 'cover 27 % of the image' in captured.err
    assert read_camera_file(out).image_wh == IMAGE_WH


@pytest.mark.slow
@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['--out', 'a.json'], 'a.json'),
        (['--out', 'a.yaml', '--squares', '2', '5'], '--squares'),
        (['--out', 'a.yaml', '--marker-mm', '40'], '--marker-mm'),
        (['--out', 'a.yaml', '--kind', 'chessboard', '--squares', '8', '9'], '--kind'),
    ],
)
def test_what_cannot_be_calibrated_is_told(words, told, photographs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(['calibrate', str(photographs), *words]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_folders_and_streams_without_pictures_are_told(tmp_path, capsys):
    for source in (str(tmp_path), str(tmp_path / 'none'), 'webcam:0'):
        assert main(['calibrate', source, '--out', str(tmp_path / 'a.yaml')]) == 2
        assert source in capsys.readouterr().err


def test_a_board_is_written(tmp_path, capsys):
    out = tmp_path / 'board.png'
    words = ['make-board', str(out), '--kind', 'chessboard', '--squares', '9', '6', '--dpi', '100']
    assert main([*words, '--square-mm', '25']) == 0
    assert '297 × 210 mm' in capsys.readouterr().out
    ids, _ = Board('chessboard', (9, 6), 25.0).find(cv2.imread(str(out)))
    assert np.array_equal(ids, np.arange(40))
    assert main(['make-board', str(tmp_path / 'board.svg')]) == 2
    assert '.pdf' in capsys.readouterr().err
