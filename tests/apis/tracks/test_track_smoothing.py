"""Tracks of a file followed again: the boxes of a drawn scene, no network."""

import json

import cv2
import numpy as np
import pytest

from benchmarks.accuracy.tracked_scenes import IMAGE_WH, find_objects, frame_of, make_scenes
from benchmarks.accuracy.tracking import SYMMETRY
from cpose.apis.inference.image_sources import SourceImage
from cpose.apis.inference.result_writer import ResultWriter
from cpose.apis.track_evaluation import read_tracks
from cpose.apis.tracks.track_file import tracker_settings
from cpose.apis.tracks.track_smoothing import smooth_tracks
from cpose.cli.main import main
from cpose.errors import DataError, OutputError
from cpose.geometry.cuboid_pose import DIMS_STD, KEYPOINTS_STD
from cpose.metric_scale.metric_poses import MetricScaling
from cpose.tracking.base import VideoTracking

from ...user_errors import raises

FRAMES, LAG = 26, 6
META = {'category': ('box',), **SYMMETRY, 'eval_num_symmetry': (1,)}


@pytest.fixture(scope='module')
def found():
    """Return what is found in the frames: some boxes are hidden, some have no pose."""
    scene, rng = make_scenes(2)['all move, hidden at times'], np.random.default_rng(4)
    frames = []
    for number in range(FRAMES):
        result, _ = find_objects(scene, number + 10, rng)
        for index, pose in enumerate(result.poses):
            change = {'score': 0.9 - 0.3 * index, 'relative_error': 0.01 * index}
            if number == 15:
                change |= dict.fromkeys(
                    ('location_cv', 'quaternion_xyzw', 'keypoints_cv', 'keypoints_image')
                )
            if number % 3 == 0:
                std = {KEYPOINTS_STD: rng.uniform(1, 5, (8, 2)), DIMS_STD: np.full(3, 0.05)}
                change['extras'] = std
            result.poses[index] = pose.with_fields(change)
        frames.append(result)
    return frames


def write(folder, found, lag=0, frame='opencv', scale=None, tracker='PoseTracker'):
    """Write what ``cpose infer --track`` writes of a video."""
    config = {'type': tracker, **({'lag': lag} if lag else {})}
    tracking, scaling = VideoTracking(config, META), MetricScaling(scale, META)
    with ResultWriter(folder, frame, META['category'], None, dataset_meta=META) as writer:
        writer.tracker = tracker_settings(config)
        pairs = []
        for number, result in enumerate(found):
            image = SourceImage(f'clip/{number:06d}', 'clip', np.zeros((1, 1, 3)), frame_of(number))
            pairs += tracking.step(image, result)
        for image, result in [*pairs, *tracking.finish()]:
            writer.write(image, scaling.apply(result, image))
    return folder / 'json' / 'scene.tracks.json'


def values(path):
    """Return all numbers of a file, and its structure without them."""
    numbers = []

    def walk(item):
        if isinstance(item, dict):
            return {name: walk(value) for name, value in item.items()}
        if isinstance(item, list):
            return [walk(value) for value in item]
        if isinstance(item, float):
            numbers.append(item)
            return 0.0
        return item

    return walk(json.loads(path.read_text())), np.array(numbers)


def assert_equal(path, expected):
    """Compare files number by number; JSON keeps all digits."""
    (structure, numbers), (wanted, wanted_numbers) = values(path), values(expected)
    assert structure == wanted
    np.testing.assert_allclose(numbers, wanted_numbers, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('frame', ['opencv', 'objectron'])
def test_smoothed_later_is_smoothed_at_once(found, tmp_path, frame):
    plain, once = write(tmp_path / 'a', found, 0, frame), write(tmp_path / 'b', found, LAG, frame)
    assert smooth_tracks(plain, tmp_path / 'c', LAG, frame=frame) == (FRAMES, 2)
    later = tmp_path / 'c' / 'json' / plain.name
    assert_equal(later, once)
    with pytest.raises(AssertionError):
        assert_equal(plain, once)
    smooth_tracks(later, tmp_path / 'd', 0, frame=frame)
    assert_equal(tmp_path / 'd' / 'json' / plain.name, plain)


def test_metres_keep_their_factors(found, tmp_path):
    plain = write(tmp_path / 'a', found, scale={'type': 'KnownDimensions', 'height': 0.2})
    smooth_tracks(plain, tmp_path / 'b', LAG)
    smoothed = read_tracks(tmp_path / 'b' / 'json' / plain.name)
    once = read_tracks(write(tmp_path / 'c', found, LAG))
    for number in (10, 20):
        for pose, unscaled in zip(smoothed.shown[number], once.shown[number], strict=True):
            factor = pose.dims[1] / unscaled.dims[1]
            assert factor == pytest.approx(0.2, rel=0.1)
            np.testing.assert_allclose(pose.keypoints_gl, factor * unscaled.keypoints_gl, rtol=1e-6)


def film(path, count=FRAMES, wh=IMAGE_WH, fps=30.0):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), fps, wh)
    for _ in range(count):
        writer.write(np.full((wh[1], wh[0], 3), 60, np.uint8))
    writer.release()
    return path


@pytest.mark.slow
def test_command_draws_the_video(found, tmp_path, capsys):
    path, out = write(tmp_path / 'a', found), tmp_path / 'out'
    clip = film(tmp_path / 'renamed.avi')
    words = ['track', str(path), '--smooth', '3', '--video', str(clip), '--out', str(out)]
    for _ in range(2):  # results of an earlier run are replaced
        assert main(words) == 0
        assert capsys.readouterr().out.startswith(f'{FRAMES} frames, 2 tracks')
    capture = cv2.VideoCapture(str(out / 'vis' / 'scene.mp4'))
    pictures = [capture.read()[1] for _ in range(FRAMES)]
    assert np.ptp(pictures[-1].astype(int)) > 100
    assert main([*words[:-1], str(tmp_path / 'a')]) == 2
    assert 'replaces an input' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('change', 'argument'),
    [({'count': 9}, 'video'), ({'wh': (320, 240)}, 'video'), ({'fps': 25.0}, 'video')],
    ids=['fewer frames', 'size', 'rate'],
)
def test_other_videos_are_refused(found, tmp_path, change, argument):
    path = write(tmp_path / 'a', found)
    with raises(DataError, argument=argument):
        smooth_tracks(path, tmp_path / 'b', video=film(tmp_path / 'clip.avi', **change))
    assert not (tmp_path / 'b' / 'json').exists()


def test_a_picture_is_no_video(found, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    with raises(DataError, argument='video'):
        smooth_tracks(write(tmp_path, found), tmp_path / 'b', video=tmp_path / 'a.png')


def test_more_frames_are_left_out(found, tmp_path):
    clip = film(tmp_path / 'clip.avi', FRAMES + 2)
    with pytest.warns(UserWarning, match='left out'):
        smooth_tracks(write(tmp_path / 'a', found), tmp_path / 'b', video=clip)


FIRST_NUMBER = 'tracks[0].poses[0].number'


def first_pose(content, number):
    """Leave the first pose of a track, in another frame."""
    track = content['tracks'][0]
    track['poses'] = [{**track['poses'][0], 'number': number}]


@pytest.mark.parametrize(
    ('change', 'field'),
    [
        (lambda c: c.pop('tracker'), 'tracker'),
        (lambda c: c['tracker'].update(type='CornerTracker'), 'tracker'),
        (lambda c: c['tracker'].update(acceleration=-1), 'tracker'),
        (lambda c: c['tracker'].update(colour=1), 'tracker.colour'),
        (lambda c: c.pop('dataset_meta'), 'dataset_meta'),
        (lambda c: c['frames']['number'].reverse(), 'frames.number'),
        (lambda c: c['frames']['time'].reverse(), 'frames.time'),
        (lambda c: c.update(cameras=[]), 'cameras'),
        (lambda c: c['cameras'][0].update(distortion=[1.0]), 'cameras[0].distortion'),
        (lambda c: c['tracks'][0].update(label=3), 'tracks[0].label'),
        (lambda c: first_pose(c, 2.5), FIRST_NUMBER),
        (lambda c: first_pose(c, 99), FIRST_NUMBER),
    ],
)
def test_wrong_files_are_refused(found, tmp_path, change, field):
    path = write(tmp_path / 'a', found[:8])
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with raises(DataError, path=path, field=field):
        smooth_tracks(path, tmp_path / 'b')


def test_a_file_replaces_no_input(found, tmp_path):
    path = write(tmp_path, found[:8])
    with raises(OutputError, argument='out'):
        smooth_tracks(path, tmp_path)
