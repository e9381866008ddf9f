import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cpose.apis.inference.image_sources import SourceImage
from cpose.apis.inference.result_writer import ResultWriter
from cpose.datasets.annotations.file_index import RESULTS_MARK
from cpose.errors import DataError, OutputError
from cpose.structures.object_pose import ObjectPose, PoseResult, Track, VideoFrame

from ...user_errors import raises
from ..inference_scenes import grey_image


def source(name='a', path='a.png', brightness=100, frame=None):
    return SourceImage(name, path, grey_image(brightness), frame)


def result():
    corners = np.array([[20, 20], [60, 40]])[np.arange(8) % 2].astype(float)
    return PoseResult(
        'a.png', (80, 60), None, [ObjectPose(0.5, 0, np.zeros(4), corners, np.ones(3))]
    )


def test_json_and_picture(tmp_path):
    with ResultWriter(tmp_path / 'new' / 'out', categories=('cup',)) as writer:
        writer.write(source('sub/a'), result())
    folder = tmp_path / 'new' / 'out'
    content = json.loads((folder / 'json' / 'sub' / 'a.json').read_text())
    assert content['objects'][0]['class'] == 'cup'
    picture = cv2.imread(str(folder / 'vis' / 'sub' / 'a.png'))
    np.testing.assert_array_equal(picture, writer.drawer.draw(grey_image(100), result()))
    assert sorted(path.name for path in folder.iterdir()) == ['json', 'vis']


@pytest.mark.parametrize(
    ('path', 'ending'),
    [('a.jpg', 'jpg'), ('a.JPEG', 'jpeg'), ('a.png', 'png'), ('a.bmp', 'png'), ('image_0', 'png')],
)
def test_ending_of_the_picture(tmp_path, path, ending):
    with ResultWriter(tmp_path) as writer:
        writer.write(source(path=path), result())
    assert [file.name for file in (tmp_path / 'vis').glob('[!.]*')] == [f'a.{ending}']


def test_only_what_is_wanted(tmp_path):
    with ResultWriter(tmp_path, drawer=None) as writer:
        writer.write(source(), result())
    assert [file.name for file in tmp_path.iterdir()] == ['json']
    with ResultWriter(tmp_path / 'other', save_json=False) as writer:
        writer.write(source(), result())
    assert [file.name for file in (tmp_path / 'other').iterdir()] == ['vis']


def test_frame(tmp_path):
    with ResultWriter(tmp_path, 'objectron', drawer=None) as writer:
        writer.write(source(), result())
    assert json.loads((tmp_path / 'json' / 'a.json').read_text())['frame'] == 'objectron'


def test_file_in_place_of_a_folder(tmp_path):
    (tmp_path / 'vis').touch()
    frame = source('clip/000000', 'clip.mp4#0', frame=VideoFrame('clip', 0, 0.0, 10.0))
    for image in (source(), frame):
        with (
            raises(OutputError, 'File exists'),
            ResultWriter(tmp_path) as writer,
        ):
            writer.write(image, result())


def test_videos_one_after_the_other(tmp_path):
    with ResultWriter(tmp_path) as writer:
        for name, frames in (('one', 3), ('two', 4)):
            for number in range(frames):
                frame = VideoFrame(name, number, number / 10, 10.0)
                image = source(f'{name}/{number:06d}', f'{name}.mp4#{number}', 50, frame)
                writer.write(image, PoseResult(image.path, (80, 60), None))
    for name, frames in (('one', 3), ('two', 4)):
        capture = cv2.VideoCapture(str(tmp_path / 'vis' / f'{name}.mp4'))
        assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
        read = [capture.read()[1] for _ in range(frames)]
        assert capture.read()[0] is False
        assert abs(read[-1].mean() - 50) < 6  # lossy
        assert len(list((tmp_path / 'json' / name).iterdir())) == frames


def tracked(number, frame, is_hidden=False):
    place = np.array([0.0, 0.0, 5.0 + frame])
    pose = replace(result().poses[0], location_cv=place, quaternion_xyzw=np.array([0.0, 0, 0, 1]))
    found = None if is_hidden else replace(pose, location_cv=place - [1, 0, 0])
    return replace(pose, track=Track(number, 1, np.zeros((1, 2)), found))


def test_tracks_of_a_video_are_one_file(tmp_path):
    numbers = {('one', 0): [1], ('one', 2): [1, 2], ('two', 0): [1]}
    with ResultWriter(tmp_path, 'objectron', ('cup',), drawer=None) as writer:
        for (video, frame), tracks in numbers.items():
            place = VideoFrame(video, frame, frame / 10, 10.0)
            poses = [tracked(number, frame, number == 2) for number in tracks]
            image = source(f'{video}/{frame:06d}', f'{video}.mp4#{frame}', 50, place)
            writer.write(image, PoseResult(image.path, (80, 60), None, poses, video_frame=place))
    content = json.loads((tmp_path / 'json' / 'one.tracks.json').read_text())
    assert (content['video'], content['fps'], content['frame']) == ('one', 10.0, 'objectron')
    first, second = content['tracks']
    assert (first['track_id'], first['class'], second['track_id']) == (1, 'cup', 2)
    assert [(pose['number'], pose['time']) for pose in first['poses']] == [(0, 0.0), (2, 0.2)]
    assert first['poses'][1]['location'] == [0, 0, -7]
    assert first['poses'][1]['found']['location'] == [0, -1, -7]
    assert second['poses'][0]['found'] is None
    (single,) = json.loads((tmp_path / 'json' / 'two' / '000000.json').read_text())['objects']
    assert single['track_id'] == 1
    assert single['found']['location'] == [0, -1, -5]
    assert (tmp_path / 'json' / 'two.tracks.json').exists()


def test_without_a_tracker_there_is_no_track_file(tmp_path):
    place = VideoFrame('one', 0, 0.0, 10.0)
    with ResultWriter(tmp_path, drawer=None) as writer:
        image = source('one/000000', 'one.mp4#0', 50, place)
        writer.write(image, replace(result(), video_frame=place))
    assert not list(tmp_path.rglob('*.tracks.json'))
    assert 'track_id' not in (tmp_path / 'json' / 'one' / '000000.json').read_text()


def test_video_of_odd_size_loses_nothing(tmp_path):
    frame = np.zeros((61, 81, 3), dtype=np.uint8)
    frame[-1], frame[:, -1] = 200, 200
    with ResultWriter(tmp_path, save_json=False) as writer:
        image = SourceImage('one/000000', 'one.mp4#0', frame, VideoFrame('one', 0, 0.0, 10.0))
        writer.write(image, PoseResult(image.path, (81, 61), None))
    read = cv2.VideoCapture(str(tmp_path / 'vis' / 'one.mp4')).read()[1]
    assert read.shape == (62, 82, 3)
    assert read[60, :40].mean() > 120
    assert read[:30, 80].mean() > 120


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with (
        raises(OutputError, argument='out', path=tmp_path / 'file' / 'out'),
        ResultWriter(tmp_path / 'file' / 'out'),
    ):
        pass


def test_picture_that_cannot_be_written(tmp_path):
    (tmp_path / 'vis').write_text('')
    writer = ResultWriter(tmp_path, save_json=False)
    with writer, raises(OutputError):
        writer.write(source(), result())


def marks(folder):
    return sorted(path.parent.relative_to(folder).as_posix() for path in folder.rglob(RESULTS_MARK))


def test_folders_of_results_are_marked(tmp_path):
    for _ in range(2):
        with ResultWriter(tmp_path) as writer:
            writer.write(source(), result())
    assert marks(tmp_path) == ['json', 'vis']


@pytest.mark.parametrize('name', ['photo.JPG', 'clip.mp4'])
def test_folder_with_pictures_of_the_user_is_not_marked(tmp_path, name):
    (tmp_path / name).write_bytes(b'x')
    with ResultWriter(tmp_path, json_folder='', picture_folder='') as writer:
        writer.write(source(), result())
    assert marks(tmp_path) == []


def test_frames_of_a_video_have_one_size(tmp_path):
    first, second = (
        source(f'a/{number}', f'a/{number}.png', frame=VideoFrame('a', number, number / 10, 10.0))
        for number in range(2)
    )
    larger = replace(second, image=grey_image(100, (100, 60)))
    with raises(DataError, path='a/1.png'), ResultWriter(tmp_path) as writer:
        writer.write(first, PoseResult('', (80, 60), None))
        writer.write(larger, PoseResult('', (100, 60), None))
