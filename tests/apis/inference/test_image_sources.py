import os
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from cpose.apis.inference.camera_io import CameraFinder
from cpose.apis.inference.image_sources import count_images, read_images
from cpose.datasets.annotations.file_index import RESULTS_MARK
from cpose.errors import DataError

from ...user_errors import raises
from ..inference_scenes import grey_image

CASES = Path(__file__).parents[2] / 'data' / 'cases'


def save(path, brightness=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), grey_image(brightness))
    return path


def save_video(path, frames=5, fps=12.0):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), fps, (80, 60))
    for number in range(frames):
        writer.write(grey_image(40 * number))
    writer.release()
    return path


def names_of(inputs):
    return [image.name for image in read_images(inputs)]


def test_one_file(tmp_path):
    path = save(tmp_path / 'cup.PNG'.lower(), 77)
    (image,) = read_images(path)
    assert (image.name, image.path, image.frame) == ('cup', str(path), None)
    np.testing.assert_array_equal(image.image, grey_image(77))


def test_folder_keeps_its_structure(tmp_path):
    for name in ('b/00000.png', 'a/00000.png', 'top.jpg', 'a/deep/x.JPEG', '.hidden/y.png'):
        save(tmp_path / name)
    (tmp_path / 'a' / '00000.json').write_text('{}')
    save(tmp_path / 'a' / '.thumbnail.png')
    assert names_of(tmp_path) == ['a/00000', 'a/deep/x', 'b/00000', 'top']
    assert count_images([tmp_path]) == 4


def test_two_inputs_never_share_a_name(tmp_path):
    for name in ('one/x.png', 'two/x.png', 'two/x.jpg', 'two/X.bmp'):
        save(tmp_path / name)
    names = names_of([tmp_path / 'one', tmp_path / 'two', str(tmp_path / 'one' / 'x.png')])
    assert len(names) == 5
    assert len({name.casefold() for name in names}) == 5


def test_glob_and_list(tmp_path):
    for name in ('a1.png', 'a2.png', 'b.png'):
        save(tmp_path / name)
    assert names_of(str(tmp_path / 'a*.png')) == ['a1', 'a2']
    assert names_of([tmp_path / 'b.png', str(tmp_path / 'a?.png')]) == ['b', 'a1', 'a2']
    assert count_images([str(tmp_path / 'a*.png')]) == 2


def test_glob_over_images_with_annotations(tmp_path):
    for name in ('a.png', 'sub/b.png'):
        save(tmp_path / name).with_suffix('.json').write_text('{}')
    (tmp_path / 'notes').mkdir()
    save_video(tmp_path / 'clip.mp4', frames=1)
    assert names_of(str(tmp_path / '*')) == ['a', 'clip/000000', 'b']
    assert count_images([str(tmp_path / '*')]) == 3
    assert names_of(str(tmp_path / '**')) == ['a', 'clip/000000', 'sub/b']
    with raises(DataError, argument='inputs'):
        names_of(str(tmp_path / '*.json'))
    with raises(DataError):
        names_of(str(tmp_path / 'a.json'))


def test_name_with_brackets_is_not_a_glob(tmp_path):
    save(tmp_path / 'set[1]' / 'a.png')
    assert names_of(str(tmp_path / 'set[1]' / 'a.png')) == ['a']


def test_arrays_and_generators():
    assert names_of(grey_image(1)) == ['image_000000']
    generator = (grey_image(value) for value in (10, 20))
    images = list(read_images(generator))
    assert [image.name for image in images] == ['image_000000', 'image_000001']
    assert [image.image[0, 0, 0] for image in images] == [10, 20]


def test_generators_are_read_one_by_one():
    taken = []

    def produce():
        for value in (10, 20, 30):
            taken.append(value)
            yield grey_image(value)

    images = read_images(produce())
    next(images)
    assert taken == [10]


def test_video(tmp_path):
    path = save_video(tmp_path / 'clip.mp4')
    frames = list(read_images(path))
    assert [frame.name for frame in frames] == [f'clip/{number:06d}' for number in range(5)]
    assert {frame.frame.video for frame in frames} == {'clip'}
    assert frames[0].frame.fps == pytest.approx(12)
    assert [frame.frame.number for frame in frames] == list(range(5))
    assert [frame.frame.time for frame in frames] == pytest.approx(np.arange(5) / 12)
    assert [round(frame.image.mean() / 40) for frame in frames] == [0, 1, 2, 3, 4]
    assert count_images([path]) == 5


def test_video_that_is_cut_off(tmp_path):
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, (80, 60))
    rng = np.random.default_rng(0)
    for _ in range(20):
        writer.write(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    writer.release()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert len(names_of(path)) == 20
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(UserWarning, match=r'clip\.avi ends after 10 of 20 frames'):
        assert len(names_of(path)) == 10


def test_two_videos_of_one_name(tmp_path):
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        save_video(tmp_path / folder / 'clip.mp4', frames=2)
    names = names_of([tmp_path / 'a' / 'clip.mp4', tmp_path / 'b' / 'clip.mp4'])
    assert names == ['clip/000000', 'clip/000001', 'clip_2/000000', 'clip_2/000001']


@pytest.mark.parametrize(
    ('make', 'problem'),
    [
        (lambda folder: folder / 'none.png', ''),
        (lambda folder: str(folder / '*.png'), ''),
        (lambda folder: folder, 'png'),
        (lambda _: 5, 'int'),
        (lambda _: np.zeros((4, 4)), '(4, 4)'),
        (lambda _: [grey_image(0), grey_image(0) / 255], 'float64'),
    ],
)
def test_unusable_inputs(tmp_path, make, problem):
    with raises(DataError, problem, argument='inputs'):
        list(read_images(make(tmp_path)))


@pytest.mark.parametrize('ending', ['png', 'mp4'])
def test_broken_files_are_named_and_can_be_left_out(tmp_path, ending):
    (tmp_path / f'b.{ending}').write_bytes(b'')
    for name in ('a.png', 'c.png'):
        save(tmp_path / name)
    with raises(DataError):
        names_of(tmp_path)
    errors = []
    images = read_images(tmp_path, errors.append)
    assert [image.name for image in images] == ['a', 'c']
    assert [f'b.{ending}' in str(error) for error in errors] == [True]


def test_webcam_cannot_be_counted():
    assert count_images(['webcam:0']) is None


def test_number_that_no_webcam_has():
    with raises(DataError, argument='inputs', path='webcam:99999999999'):
        count_images(['webcam:99999999999'])


def test_missing_webcam():
    with raises(DataError, argument='inputs', path='webcam:99'):
        list(read_images('webcam:99'))


def mark(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RESULTS_MARK).touch()


def test_results_are_no_inputs(tmp_path):
    for name in ('photos/a.png', 'photos/out/vis/a.png', 'photos/out/vis/deep/a.png'):
        save(tmp_path / name)
    mark(tmp_path / 'photos' / 'out' / 'vis')
    with pytest.warns(UserWarning, match='vis'):
        assert names_of(tmp_path / 'photos') == ['a']
    for pattern in ('photos/**', 'photos/**/*.png', '*'):
        with pytest.warns(UserWarning, match='vis'):
            assert names_of(str(tmp_path / pattern)) == ['a']
    with pytest.warns(UserWarning, match='vis'), raises(DataError):
        names_of(str(tmp_path / 'photos' / '*' / '*'))


def test_results_that_are_named_are_inputs(tmp_path):
    save(tmp_path / 'out' / 'vis' / 'a.png')
    mark(tmp_path / 'out' / 'vis')
    assert names_of(tmp_path / 'out' / 'vis') == ['a']
    assert names_of(str(tmp_path / 'out' / 'vis' / '*.png')) == ['a']
    assert names_of(tmp_path / 'out' / 'vis' / 'a.png') == ['a']


def test_annotation_of_stored_pixels():
    path = CASES / 'exif_turned' / '00000.jpg'
    (image,) = read_images(path)
    assert image.image_wh == (128, 96)
    assert CameraFinder().find(image.path, image.image_wh).image_wh == (128, 96)


def test_pipes_in_a_folder_are_left_out(tmp_path):
    save(tmp_path / 'a.png')
    os.mkfifo(tmp_path / 'b.png')
    assert names_of(tmp_path) == ['a']


def test_formats_that_are_not_read_are_told(tmp_path):
    save(tmp_path / 'a.png')
    (tmp_path / 'b.heic').write_bytes(b'x')
    with pytest.warns(UserWarning, match=r'b\.heic'):
        assert names_of(tmp_path) == ['a']


def test_numbered_images_are_frames_of_videos(tmp_path):
    for name in ('clip/f_2.png', 'clip/f_10.png', 'clip/f_1.png', 'photo.png', 'x3.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
    images = list(read_images(str(tmp_path), fps=10.0))
    frames = [(image.frame.number, image.frame.time) for image in images if image.frame]
    assert frames == [(1, 0.0), (2, 0.1), (10, 0.9)]
    assert {image.frame.video for image in images if image.frame} == {'clip/f'}
    assert [image.name for image in images if not image.frame] == ['photo', 'x3']
    assert all(image.frame is None for image in read_images(str(tmp_path)))


def test_number_behind_a_dot(tmp_path):
    paths = [save(tmp_path / f'shot.000{number}.png') for number in (1, 2)]
    assert [image.frame.number for image in read_images(paths, fps=10.0)] == [1, 2]


def test_videos_have_different_names(tmp_path):
    save_video(tmp_path / 'clip.mp4', frames=1)
    for number in (0, 1):
        save(tmp_path / 'clip' / f'{number}.png')
        save(tmp_path / 'frames' / f'{number}.png')
        save(tmp_path / f'{number}.png')
    frames = [image.frame for image in read_images(str(tmp_path), fps=10.0)]
    assert len({frame.video for frame in frames}) == 4
    for video in {frame.video for frame in frames}:
        numbers = [frame.number for frame in frames if frame.video == video]
        assert numbers == list(range(len(numbers)))


def test_frames_stand_where_their_first_one_does(tmp_path):
    paths = [save(tmp_path / name) for name in ('z.png', 'f2.png', 'a.png', 'f1.png')]
    names = [image.name for image in read_images(paths, fps=10.0)]
    assert names == ['z', 'f1', 'f2', 'a']
