import cv2
import numpy as np
import pytest

from cpose.datasets.image_reading import read_image
from cpose.errors import DataError

from ..user_errors import raises
from .annotated_files import make_image


@pytest.mark.parametrize('extension', ['.png', '.bmp'])
def test_lossless(tmp_path, extension):
    path = tmp_path / f'bild ä{extension}'
    path.write_bytes(cv2.imencode(extension, make_image())[1].tobytes())
    np.testing.assert_array_equal(read_image(str(path)), make_image())


@pytest.mark.parametrize('shape', [(5, 4), (5, 4, 4)])
def test_grey_and_transparent_images_become_bgr(tmp_path, shape):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.full(shape, 70, np.uint8))
    image = read_image(str(path))
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, np.full((5, 4, 3), 70))


def jpeg(size=(600, 400)):
    """Return a JPEG that holds another one, as cameras write them."""
    whole = cv2.imencode('.jpg', cv2.resize(make_image(), size))[1].tobytes()
    thumbnail = cv2.imencode('.jpg', make_image((16, 16)))[1].tobytes()
    segment = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    return whole[:2] + segment + whole[2:]


def test_jpeg_with_thumbnail_and_trailing_bytes(tmp_path):
    path = tmp_path / 'a.jpg'
    path.write_bytes(jpeg() + b'\xff\xda trailer')
    assert read_image(str(path)).shape == (400, 600, 3)


@pytest.mark.parametrize('extension', ['.png', '.jpg'])
@pytest.mark.parametrize('part', [0.02, 0.5, 0.99])
def test_truncated(tmp_path, extension, part):
    whole = jpeg() if extension == '.jpg' else cv2.imencode('.png', make_image())[1].tobytes()
    path = tmp_path / f'a{extension}'
    path.write_bytes(whole[: int(len(whole) * part)])
    with raises(DataError):
        read_image(str(path))


@pytest.mark.parametrize(('content', 'fact'), [(b'', ''), (b'GIF89a no image', '(15 bytes)')])
def test_no_image(tmp_path, content, fact):
    path = tmp_path / 'a.png'
    path.write_bytes(content)
    with raises(DataError, fact, path=path):
        read_image(str(path))


def test_no_file(tmp_path):
    with raises(DataError, 'No such file'):
        read_image(str(tmp_path / 'a.png'))
