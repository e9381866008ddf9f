import cv2
import pytest

from cpose.apis.inference import video_frames
from cpose.apis.inference.image_sources import count_images, read_images
from cpose.apis.inference.video_frames import is_live, live_name, public_name, read_frames
from cpose.datasets.image_reading import LIMIT_VARIABLE
from cpose.errors import DataError

from ...files.web_server import running_site
from ...user_errors import raises
from ..inference_scenes import grey_image

SECRET = 'rtsp://admin:secret@cam.example:554/live/1?token=secret'


@pytest.mark.parametrize(
    'text', ['rtsp://10.0.0.5/a', 'RTSP://x', 'http://x/a.mp4', 'https://x', 'udp://@:1234', SECRET]
)
def test_streams(text):
    assert is_live(text)
    assert count_images([text]) is None


@pytest.mark.parametrize(
    'text', ['webcam', 'rtsp', 'http:/x', 'a/http://x', 'file://x', 'C:\\x.png']
)
def test_what_is_no_stream(text):
    assert is_live(text) == (text == 'webcam')


def test_secrets_are_not_shown():
    assert public_name(SECRET) == 'rtsp://cam.example:554/live/1'
    assert live_name(SECRET) == 'stream_cam.example_554_live_1'
    assert 'secret' not in public_name('rtsp://admin:secret@[broken')


@pytest.mark.parametrize('scheme', ['rtsp', 'http'])
def test_nothing_answers(scheme, monkeypatch):
    monkeypatch.setattr(video_frames, 'STREAM_TIMEOUT', 1000)
    url = f'{scheme}://user:secret@127.0.0.1:1/x'
    with raises(DataError, argument='inputs', path=f'{scheme}://127.0.0.1:1/x'):
        list(read_images(url))


def video(path):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, (80, 60))
    for number in range(3):
        writer.write(grey_image(40 * number))
    writer.release()
    return path


def test_video_of_a_web_server(tmp_path):
    with running_site() as site:
        site.files['/clip.avi?token=secret'] = video(tmp_path / 'clip.avi').read_bytes()
        frames = list(read_images(site.url('/clip.avi?token=secret')))
    assert [round(frame.image.mean() / 40) for frame in frames] == [0, 1, 2]
    assert [frame.frame.number for frame in frames] == [0, 1, 2]
    assert all(frame.path.startswith('http://127.0.0.1') for frame in frames)
    assert not any('secret' in frame.path + frame.name for frame in frames)


def test_large_frames_are_refused(tmp_path, monkeypatch):
    path = video(tmp_path / 'clip.avi')
    monkeypatch.setenv(LIMIT_VARIABLE, '4799')
    with raises(DataError, '80×60', path=path):
        list(read_frames(str(path), 'clip'))
