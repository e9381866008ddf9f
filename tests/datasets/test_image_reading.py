import io
import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cpose.datasets import image_reading
from cpose.datasets.image_reading import (
    DEFAULT_LIMIT,
    LIMIT_VARIABLE,
    image_limit,
    read_image,
    read_photo,
)
from cpose.errors import ConfigError, DataError

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


@pytest.mark.parametrize('extension', ['.png', '.jpg', '.webp', '.tiff', '.bmp'])
@pytest.mark.parametrize('part', [0.02, 0.5, 0.99])
def test_truncated(tmp_path, extension, part):
    is_jpeg = extension == '.jpg'
    whole = jpeg() if is_jpeg else cv2.imencode(extension, make_image())[1].tobytes()
    path = tmp_path / f'a{extension}'
    path.write_bytes(whole[: int(len(whole) * part)])
    with raises(DataError):
        read_image(str(path))


@pytest.mark.parametrize(('content', 'fact'), [(b'', ''), (b'this is no image', '16 bytes')])
def test_no_image(tmp_path, content, fact):
    path = tmp_path / 'a.png'
    path.write_bytes(content)
    with raises(DataError, fact, path=path):
        read_image(str(path))


def test_no_file(tmp_path):
    with raises(DataError, 'No such file'):
        read_image(str(tmp_path / 'a.png'))


CASES = Path(__file__).parents[1] / 'data' / 'cases'


def png_header(width, height):
    """Return a PNG that claims a size and holds next to nothing."""
    chunks = [
        (b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)),
        (b'IDAT', zlib.compress(bytes(1000))),
        (b'IEND', b''),
    ]
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
        for name, data in chunks
    )


def bmp_header(width, height):
    return b'BM' + struct.pack('<IIIIiiHH', 54, 0, 54, 40, width, height, 1, 24) + bytes(24)


HUGE = {
    'png': png_header(40_000, 30_000),
    'beyond the decoder': png_header(1 << 21, 1 << 20),
    'bmp': bmp_header(40_000, -30_000),
    'gif': b'GIF89a' + struct.pack('<HH', 60_000, 60_000) + bytes(20),
    'webp': b'RIFF\x40\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00'
    + bytes(4) + b'\xff\x3f\x00\xff\x3f\x00' + bytes(20),
    'netpbm': b'P6 40000 30000 255\n' + bytes(20),
    'tiff': b'II*\x00\x08\x00\x00\x00\x02\x00'
    + struct.pack('<HHII', 256, 4, 1, 40_000) + struct.pack('<HHII', 257, 4, 1, 30_000),
    'jpeg': b'\xff\xd8\xff\xc0\x00\x11\x08' + struct.pack('>HH', 60_000, 60_000) + bytes(20),
}  # fmt: skip


@pytest.mark.parametrize('content', HUGE.values(), ids=HUGE)
def test_too_large_pictures_are_not_decoded(tmp_path, content, monkeypatch):
    monkeypatch.setattr(image_reading.cv2, 'imdecode', None)
    path = tmp_path / 'a.png'
    path.write_bytes(content)
    with raises(DataError, f'{DEFAULT_LIMIT:,}', path=path):
        read_image(str(path))


def test_limit(tmp_path, monkeypatch):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.zeros((10, 20, 3), np.uint8))
    monkeypatch.setenv(LIMIT_VARIABLE, '199')
    with raises(DataError, '20×10', path=path):
        read_image(str(path))
    monkeypatch.setenv(LIMIT_VARIABLE, '200')
    assert read_image(str(path)).shape == (10, 20, 3)


@pytest.mark.parametrize('text', ['many', '-5', '0', '1e9', '1' * 30])
def test_limit_that_is_none(monkeypatch, text):
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    with raises(ConfigError, argument=LIMIT_VARIABLE, value=text):
        image_limit()


def test_errors_of_the_decoder_name_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, '99999999999')
    path = CASES / 'attacks' / 'image_claims_more_than_2_30_pixels.png'
    with raises(DataError, path=path):
        read_image(path)


def test_no_memory_is_an_error_of_the_file(tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError

    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), make_image())
    monkeypatch.setattr(image_reading.cv2, 'imdecode', fail)
    with raises(DataError, 'memory', path=path):
        read_image(path)


def test_jpeg_without_end_marker_is_read():
    path = CASES / 'images' / 'noeoi.jpg'
    expected = cv2.imdecode(
        np.frombuffer(path.read_bytes() + b'\xff\xd9', np.uint8), cv2.IMREAD_COLOR
    )
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize('option', [cv2.IMWRITE_JPEG_PROGRESSIVE, cv2.IMWRITE_JPEG_RST_INTERVAL])
def test_jpeg_without_end_marker_that_cannot_be_judged(tmp_path, option):
    path = tmp_path / 'a.jpg'
    path.write_bytes(cv2.imencode('.jpg', make_image(), [option, 1])[1].tobytes()[:-2])
    with raises(DataError, 'end', path=path):
        read_image(path)


def test_progressive_jpeg_of_endless_scans(tmp_path):
    content = cv2.imencode('.jpg', make_image(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    scan = content.rindex(b'\xff\xda')
    path = tmp_path / 'a.jpg'
    path.write_bytes(content[:scan] + content[scan:-2] * 300 + content[-2:])
    with raises(DataError, 'scans', path=path):
        read_image(path)


def test_heic_is_named():
    path = CASES / 'images' / 'heic.jpg'
    with raises(DataError, 'HEIC', path=path):
        read_image(path)


@pytest.mark.parametrize('bits', [8, 10, 12, 14, 16])
@pytest.mark.parametrize('extension', ['.png', '.tiff'])
@pytest.mark.filterwarnings('ignore:Pictures of 16 bits')
def test_samples_of_16_bits(tmp_path, bits, extension):
    wanted = np.arange(256, dtype=np.uint16).reshape(16, 16)
    path = tmp_path / f'a{extension}'
    cv2.imwrite(str(path), wanted << (bits - 8))
    np.testing.assert_array_equal(read_image(path), np.repeat(wanted[..., None], 3, axis=2))


def test_depth_is_told_once(tmp_path):
    image_reading._tell_depth.cache_clear()
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.full((4, 4), 4000, np.uint16))
    with pytest.warns(UserWarning, match='12'):
        read_image(path)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        read_image(path)


def photograph(path, orientation, kind):
    """Write a picture of 50×30 with an EXIF orientation; return its stored pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    exif, file = Image.Exif(), io.BytesIO()
    exif[274] = orientation
    Image.fromarray(pixels[..., ::-1]).save(file, kind, exif=exif)
    path.write_bytes(file.getvalue())
    return pixels


UPRIGHT = {
    1: lambda image: image,
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize('kind', ['PNG', 'TIFF'])
@pytest.mark.parametrize('orientation', UPRIGHT)
def test_orientation(tmp_path, kind, orientation):
    path = tmp_path / 'a'
    stored = photograph(path, orientation, kind)
    upright = UPRIGHT[orientation](stored)
    np.testing.assert_array_equal(read_image(path), upright)
    np.testing.assert_array_equal(read_photo(path, follow_exif=False).image, stored)
    np.testing.assert_array_equal(
        read_image(path, (50, 30)), stored if orientation > 4 else upright
    )
    np.testing.assert_array_equal(read_image(path, (30, 50)), upright)


def test_annotation_of_stored_pixels():
    path = CASES / 'exif_turned' / '00000.jpg'
    assert read_image(path).shape == (128, 96, 3)
    assert read_image(path, (128, 96)).shape == (96, 128, 3)
