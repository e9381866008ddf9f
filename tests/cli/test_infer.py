import json
from argparse import Namespace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from benchmarks.accuracy.tracked_scenes import find_objects, make_scenes
from cpose.apis.builder import build_model
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.cli.commands.infer import _drawer
from cpose.cli.main import build_parser, main
from cpose.structures.object_pose import PoseResult
from cpose.visualization.pose_drawer import PoseDrawer
from cpose.visualization.pose_visualizer import PoseVisualizer

from ..apis.inference_scenes import tiny_config, write_box_model

CAMERA = ['--camera', '75', '75', '40', '30']


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    torch.manual_seed(0)
    config = tiny_config()
    path = tmp_path_factory.mktemp('model') / 'tiny.pth'
    content = {
        'state_dict': build_model(config).state_dict(),
        'meta': {CONFIG_KEY: config_to_json(config)},
    }
    torch.save(content, path)
    return str(path)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'images'
    rng = np.random.default_rng(0)
    for name in ('a/0.png', 'b/0.jpg'):
        (folder / name).parent.mkdir(parents=True)
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    return folder


@pytest.fixture
def infer(checkpoint, tmp_path):
    def call(*words):
        out = ['--out', str(tmp_path / 'out'), '--device', 'cpu', '--score-thr', '0.1']
        return main(['infer', '-', checkpoint, *map(str, words), *out])

    return call


def written(tmp_path):
    out = tmp_path / 'out'
    return sorted(path.relative_to(out).as_posix() for path in out.rglob('[!.]*') if path.is_file())


def test_folder(infer, images, tmp_path, capsys):
    assert infer(images, *CAMERA) == 0
    assert written(tmp_path) == ['json/a/0.json', 'json/b/0.json', 'vis/a/0.png', 'vis/b/0.jpg']
    content = json.loads((tmp_path / 'out' / 'json' / 'a' / '0.json').read_text())
    assert content['image_name'] == '0.png'
    assert content['frame'] == 'opencv'
    assert content['intrinsics'] == [[75, 0, 40], [0, 75, 30], [0, 0, 1]]
    assert len(content['objects']) > 0
    assert content['objects'][0]['class'] == 'cup'
    assert capsys.readouterr().out.startswith('2 images, ')


def test_switches(infer, images, tmp_path):
    camera = tmp_path / 'camera.json'
    camera.write_text('{"fx": 75, "fy": 75, "cx": 40, "cy": 30}')
    words = ['--no-save-vis', '--frame', 'objectron', '--camera-file', camera, '--batch-size', 2]
    assert infer(images, *words) == 0
    assert written(tmp_path) == ['json/a/0.json', 'json/b/0.json']
    content = json.loads((tmp_path / 'out' / 'json' / 'a' / '0.json').read_text())
    assert content['frame'] == 'objectron'
    assert content['intrinsics'][0] == [75, 0, 40]


@pytest.mark.slow
def test_no_pnp_and_no_json(infer, images, tmp_path):
    assert infer(images, '--no-pnp', '--no-save-json') == 0
    assert written(tmp_path) == ['vis/a/0.png', 'vis/b/0.jpg']


def test_config_options(infer, images, tmp_path):
    option = 'test_dataloader.dataset.metainfo.category=mug'
    assert infer(images, '--no-pnp', '--cfg-options', option) == 0
    content = json.loads((tmp_path / 'out' / 'json' / 'a' / '0.json').read_text())
    assert content['objects'][0]['class'] == 'mug'
    assert content['objects'][0]['location'] is None


def test_pictures_follow_the_visualizer_of_the_config(infer, images, tmp_path):
    def picture(*words):
        assert infer(images / 'a', *CAMERA, '--no-save-json', *words) == 0
        return cv2.imread(str(tmp_path / 'out' / 'vis' / '0.png'))

    hidden = [f'visualizer.show_{part}=False' for part in ('labels', 'points')]
    plain = picture('--cfg-options', 'visualizer.type=PoseVisualizer', *hidden)
    assert not np.array_equal(plain, picture())


@pytest.mark.parametrize(('given', 'length'), [(None, 2.0), (0.7, 0.7)])
def test_axes_of_the_command_win(given, length):
    inferencer = SimpleNamespace(visualizer=PoseVisualizer('x', axis_length=2.0), categories=())
    assert _drawer(Namespace(axis_length=given), inferencer) == PoseDrawer(axis_length=length)


def test_unreadable_image_is_named_and_the_rest_done(infer, images, tmp_path, capsys):
    (images / 'a' / '1.png').write_bytes(b'')
    assert infer(images, '--no-pnp') == 2
    assert '1.png is empty' in capsys.readouterr().err
    assert 'json/b/0.json' in written(tmp_path)
    assert infer(images, '--no-pnp', '--skip-unreadable') == 0


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['none.png', *CAMERA], 'none.png'),
        (['{images}', '--camera', '75', '75', '40'], '--camera 75.0 75.0 40.0'),
        (['{images}', '--camera', '0', '75', '40', '30'], '--camera 0.0 75.0 40.0 30.0 has fx=0.0'),
        (['{images}', '--camera', '1,2,x,4'], '--camera 1,2,x,4'),
        (['{images}', '--camera-file', 'none.yaml'], 'none.yaml'),
        (['{images}', '--device', 'cuda:99'], '--device cuda:99'),
    ],
)
def test_errors_of_the_user(checkpoint, images, tmp_path, capsys, words, message):
    words = [word.format(images=images) for word in words]
    assert main(['infer', '-', checkpoint, *words, '--out', str(tmp_path / 'out')]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1


def test_output_folder_that_cannot_be_written(checkpoint, images, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    out = str(tmp_path / 'file' / 'out')
    assert main(['infer', '-', checkpoint, str(images), '--no-pnp', '--out', out]) == 2
    assert str(tmp_path / 'file') in capsys.readouterr().err


def test_default_score_threshold_is_that_of_the_config():
    args = build_parser().parse_args(['infer', '-', 'model.pth', 'a.png', '--out', 'out'])
    assert args.score_thr is None


def test_results_of_an_earlier_run_are_no_inputs(infer, images, tmp_path, checkpoint, capsys):
    out = ['--out', str(images / 'results'), '--device', 'cpu', *CAMERA]
    for _ in range(2):
        assert main(['infer', '-', checkpoint, str(images), *out]) == 0
        assert capsys.readouterr().out.startswith('2 images, ')
    found = {path.name for path in (images / 'results' / 'vis').iterdir()}
    assert found == {'a', 'b', '.cpose_results'}


def test_images_above_the_limit_are_named_and_the_rest_done(infer, images, capsys, monkeypatch):
    cv2.imwrite(str(images / 'large.png'), np.zeros((300, 400, 3), np.uint8))
    monkeypatch.setenv('CPOSE_MAX_IMAGE_PIXELS', '100000')
    assert infer(images, *CAMERA) == 2
    output, error = capsys.readouterr()
    assert output.startswith('2 images, ')
    assert 'large.png has 400×300 pixels' in error
    assert infer(images, *CAMERA, '--skip-unreadable') == 0


def test_videos_are_tracked(infer, tmp_path, monkeypatch):
    clip = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, (640, 480))
    for _ in range(3):
        writer.write(np.full((480, 640, 3), 90, dtype=np.uint8))
    writer.release()
    scene = make_scenes(1)['nothing moves']
    found = find_objects(scene, 0, np.random.default_rng(0))[0].poses

    def find(self, batch, score_thr):
        return [
            PoseResult(sample.image_path, sample.image_wh, sample.intrinsics, found)
            for sample in batch['data_samples']
        ]

    monkeypatch.setattr(CenterPoseInferencer, '_find', find)
    assert infer(clip, '--camera', '600', '600', '320', '240', '--track') == 0
    content = json.loads((tmp_path / 'out' / 'json' / 'clip.tracks.json').read_text())
    (track,) = content['tracks']
    assert [pose['number'] for pose in track['poses']] == [0, 1, 2]
    assert (tmp_path / 'out' / 'vis' / 'clip.mp4').exists()


@pytest.mark.slow
def test_metres(images, tmp_path):
    model = write_box_model(tmp_path / 'box.pth')
    depths = tmp_path / 'depths'
    for name in ('a/0', 'b/0'):
        (depths / name).parent.mkdir(parents=True)
        np.save(depths / f'{name}.npy', np.full((60, 80), 2.0))
    found = {}
    for words in (['--height', '0.2±0.01'], ['--width', 'box=0.1'], ['--depth', depths], []):
        out = ['--out', tmp_path / 'out', '--device', 'cpu', '--score-thr', '0.01', *CAMERA]
        assert main(['infer', '-', str(model), *map(str, (images, *out, *words))]) == 0
        content = json.loads((tmp_path / 'out' / 'json' / 'a' / '0.json').read_text())
        found[words[0] if words else ''] = next(
            item
            for item in content['objects']
            if item['location'] and min(item['projected_keypoints_2d'][0]) > 15
        )
    high, wide, deep, plain = found.values()
    assert high['dimensions'][1] == pytest.approx(0.2)
    assert high['dimensions_std'][1] == pytest.approx(0.01, rel=0.05)
    assert 'told apart' in wide['scale_failure']
    assert 'do not agree' in deep['scale_failure']  # a wall is no box
    assert (plain['unit'], plain['scale_source']) == ('object_height', None)


@pytest.mark.parametrize(
    'words',
    [
        ['--height', '0.2', '--depth', '.'],
        ['--camera-height', '1', '--marker', 'a.json'],
        ['--marker', 'a.json', '--width', '0.1'],
        ['--camera-pitch', '30'],
        ['--height', 'tall'],
        ['--height', '0.1', '0.2'],
        ['--height', 'mug=0.1'],
        ['--height', '-0.1'],
        ['--marker', 'none.json'],
        ['--depth', 'none'],
        ['--height', '0.2', '--no-pnp'],
    ],
)
def test_metres_that_contradict_each_other(words, infer, images, capsys):
    camera = [] if '--no-pnp' in words else CAMERA
    assert infer(images, *camera, *words) == 2
    told = capsys.readouterr().err
    assert words[0] in told or words[0] == '--marker'
    assert 'Traceback' not in told
