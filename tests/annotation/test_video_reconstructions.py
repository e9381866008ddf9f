import json

import cv2
import numpy as np
import pytest

from cpose.annotation.video.camera_motion.reconstructions import read_reconstruction
from cpose.annotation.video.preparing import VideoSettings, prepare_video, write_boxes
from cpose.cli.main import main
from cpose.datasets.annotations.annotation import read_annotation
from cpose.errors import ConfigError, DataError

from ..user_errors import raises
from . import reconstructions
from .rendered_video import DIMS, INTRINSICS, draw_shot, walk_around, write_video

SHOTS = walk_around(12)
NAMES = [f'frame_{number:05d}.jpg' for number in range(1, 13)]
WRITERS = {
    'text': lambda root: reconstructions.write_text_model(root / 'sparse' / '0', SHOTS, NAMES),
    'binary': lambda root: reconstructions.write_binary_model(root, SHOTS, NAMES),
    'transforms': lambda root: reconstructions.write_transforms(
        root / 'transforms.json', SHOTS, NAMES
    ),
}


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp('pictures')
    for shot, name in zip(SHOTS, NAMES, strict=True):
        cv2.imwrite(str(folder / name), draw_shot(shot, has_board=False))
    return folder


def box_file(path, numbers=(1, 9), noise=0.5, **fields):
    frames = {str(number): SHOTS[number].clicks(noise=noise, seed=number) for number in numbers}
    path.write_text(json.dumps({'boxes': [{'category': 'carton', 'frames': frames, **fields}]}))
    return path


def annotations(folder):
    return [read_annotation(path) for path in sorted(folder.glob('*.json'))]


def errors_px(found):
    return np.array(
        [
            np.linalg.norm(item.cuboids.keypoints_image[0, 1:] - shot.corners, axis=1)
            for item, shot in zip(found, SHOTS, strict=True)
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize('kind', WRITERS)
def test_a_typed_size_makes_a_reconstruction_metric(kind, pictures, tmp_path, capfd):
    (tmp_path / 'model').mkdir()
    WRITERS[kind](tmp_path / 'model')
    box = box_file(tmp_path / 'box.json', sizes=[None, float(DIMS[1]), None])
    words = ['--reconstruction', str(tmp_path / 'model'), '--out', str(tmp_path / 'out')]
    assert main(['annotate', str(pictures), *words, '--box', str(box)]) == 0
    assert '12 frames' in capfd.readouterr().out
    found = annotations(tmp_path / 'out')
    errors = errors_px(found)
    assert np.median(errors) < 0.7
    assert errors.max() < 2.5
    for item, shot in zip(found, SHOTS, strict=True):
        np.testing.assert_allclose(item.cuboids.dims_metric[0], DIMS, rtol=0.02)
        distance = np.linalg.norm(item.cuboids.keypoints_gl[0, 0])
        expected = np.linalg.norm(shot.to_cv(shot.world_from_object[:3, 3]))
        assert distance == pytest.approx(expected, rel=0.02)
    stored = json.loads((tmp_path / 'out' / 'frame_00001.json').read_text())
    assert stored['objects'][0]['annotation']['unit'] == 'metre'
    assert stored['camera_data']['intrinsics_source'] == 'reconstruction'


def test_without_a_size_the_height_is_the_unit(pictures, tmp_path):
    model = reconstructions.write_binary_model(tmp_path / 'model', SHOTS, NAMES)
    folder = prepare_video(pictures, tmp_path / 'out', VideoSettings(reconstruction=model))
    write_boxes(folder, box_file(tmp_path / 'box.json', noise=0.2))
    for item in annotations(tmp_path / 'out'):
        np.testing.assert_allclose(item.cuboids.dims_metric[0], DIMS / DIMS[1], rtol=0.02)
    stored = json.loads((tmp_path / 'out' / 'frame_00001.json').read_text())
    assert stored['objects'][0]['annotation']['unit'] == 'height'


def test_one_frame_leaves_the_sizes_open(pictures, tmp_path):
    model = reconstructions.write_binary_model(tmp_path / 'model', SHOTS, NAMES)
    folder = prepare_video(pictures, tmp_path / 'out', VideoSettings(reconstruction=model))
    write_boxes(folder, box_file(tmp_path / 'box.json', [1]))
    stored = json.loads((tmp_path / 'out' / 'frame_00005.json').read_text())
    assert 'width' in stored['objects'][0]['annotation']['undetermined']


@pytest.mark.slow
def test_a_recording_of_stray_scanner_is_metric(tmp_path):
    scan = reconstructions.write_stray_scan(tmp_path / 'scan', SHOTS)
    video = write_video(scan / 'rgb.mp4', SHOTS, has_board=False)
    folder = prepare_video(video, tmp_path / 'out', VideoSettings(reconstruction=scan))
    write_boxes(folder, box_file(tmp_path / 'box.json'))
    found = annotations(tmp_path / 'out')
    assert np.median(errors_px(found)) < 0.7
    np.testing.assert_allclose(found[0].cuboids.dims_metric[0], DIMS, rtol=0.03)


def test_frames_without_a_pose_are_left_out(pictures, tmp_path):
    model = reconstructions.write_text_model(tmp_path / 'model', SHOTS[:-2], NAMES[:-2])
    settings = VideoSettings(reconstruction=model)
    with pytest.warns(UserWarning, match='2 of 12'):
        folder = prepare_video(pictures, tmp_path / 'out', settings)
    assert len(folder.motion.frames) == 10
    assert '11,no,not in the reconstruction' in (tmp_path / 'out' / 'frames.csv').read_text()


def test_names_that_do_not_match_are_told(pictures, tmp_path):
    others = [f'IMG_{number}.jpg' for number in range(12)]
    model = reconstructions.write_text_model(tmp_path / 'model', SHOTS, others)
    with raises(DataError, 'frame_00001.jpg', path=model):
        prepare_video(pictures, tmp_path / 'out', VideoSettings(reconstruction=model))
    video = tmp_path / 'a.mp4'
    write_video(video, SHOTS[:2], has_board=False)
    with raises(DataError, 'IMG_0.jpg', path=model):
        prepare_video(video, tmp_path / 'out', VideoSettings(reconstruction=model))
    with raises(ConfigError, argument='camera'):
        settings = VideoSettings(camera=INTRINSICS, reconstruction=model)
        prepare_video(pictures, tmp_path / 'out', settings)


def test_lenses_of_opencv_are_read(tmp_path):
    models = {
        'SIMPLE_RADIAL': ((-0.1,), [-0.1, 0, 0, 0]),
        'RADIAL': ((-0.1, 0.02), [-0.1, 0.02, 0, 0]),
        'OPENCV': ((-0.1, 0.02, 0.001, 0.002), [-0.1, 0.02, 0.001, 0.002]),
        'FULL_OPENCV': (tuple(range(1, 9)), list(range(1, 9))),
        'PINHOLE': ((), None),
        'SIMPLE_PINHOLE': ((), None),
    }
    for model, (lens, expected) in models.items():
        reconstructions.write_text_model(tmp_path, SHOTS, NAMES, model, lens)
        camera = read_reconstruction(tmp_path).images[0].camera
        np.testing.assert_allclose(camera.intrinsics, INTRINSICS)
        if expected is None:
            assert camera.distortion is None
        else:
            np.testing.assert_allclose(camera.distortion, expected)


def test_other_lenses_are_told(tmp_path):
    reconstructions.write_text_model(tmp_path, SHOTS, NAMES, 'FOV', (0.9,))
    with raises(DataError, 'FOV', path=tmp_path / 'cameras.txt'):
        read_reconstruction(tmp_path)
    path = tmp_path / 'transforms.json'
    for changes in ({'camera_model': 'OPENCV_FISHEYE'}, {'is_fisheye': True}):
        reconstructions.write_transforms(path, SHOTS, NAMES, **changes)
        with raises(DataError, 'isheye' if 'is_fisheye' in changes else 'FISHEYE', path=path):
            read_reconstruction(path)


def test_focal_lengths_may_be_angles(tmp_path):
    path = tmp_path / 'transforms.json'
    angle = 2 * np.arctan(400 / 640)
    reconstructions.write_transforms(
        path, SHOTS, NAMES, fl_x=None, fl_y=None, cx=None, cy=None, camera_angle_x=angle
    )
    camera = read_reconstruction(tmp_path).images[0].camera
    np.testing.assert_allclose(camera.intrinsics[[0, 1], [0, 1]], 640)
    np.testing.assert_allclose(camera.intrinsics[:2, 2], (399.5, 299.5))


def damage(content, rng):
    """Return bytes with a cut, a change or an insertion."""
    place = int(rng.integers(len(content)))
    kind = rng.integers(3)
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[:place] + bytes(rng.integers(0, 256, 4).tolist()) + content[place + 4 :]
    return content[:place] + b'\xff\x00 nan' + content[place:]


@pytest.mark.parametrize('kind', ['text', 'binary', 'transforms', 'stray'])
def test_damaged_files_are_read_or_refused(kind, tmp_path):
    """No traceback, and nothing that is not finite."""
    writers = {**WRITERS, 'stray': lambda root: reconstructions.write_stray_scan(root, SHOTS)}
    writers[kind](tmp_path)
    files = [path for path in tmp_path.rglob('*') if path.is_file()]
    sound = {path: path.read_bytes() for path in files}
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(120):
        for path, content in sound.items():
            path.write_bytes(damage(content, rng))
        try:
            found = read_reconstruction(tmp_path)
        except DataError:
            refused += 1
            continue
        for image in found.images:
            assert np.isfinite(image.cv_from_world).all()
            assert np.isfinite(image.camera.intrinsics).all()
    assert refused > 30


def test_what_is_no_reconstruction_is_told(tmp_path):
    with raises(DataError, argument='reconstruction', path=tmp_path):
        read_reconstruction(tmp_path)
    with raises(DataError, argument='reconstruction', path=tmp_path / 'missing'):
        read_reconstruction(tmp_path / 'missing')
    (tmp_path / 'transforms.json').write_text('{"frames": []}')
    with raises(DataError, argument='reconstruction', path=tmp_path):
        read_reconstruction(tmp_path)


@pytest.mark.parametrize('odd', ['"' + 'x' * 200_000, 'a\0b'])
def test_a_recording_that_is_no_table(tmp_path, odd):
    scan = reconstructions.write_stray_scan(tmp_path / 'scan', SHOTS)
    (scan / 'odometry.csv').write_text(f'timestamp\n{odd}\n')
    with raises(DataError, path=scan / 'odometry.csv'):
        read_reconstruction(scan)
