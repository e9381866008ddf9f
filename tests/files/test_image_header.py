import io

import cv2
import numpy as np
import pytest
from PIL import Image

from cpose.files.image_header import ImageHeader, read_image_header

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
FORMATS = {
    **{'.jpg': 'JPEG', '.png': 'PNG', '.bmp': 'BMP', '.tiff': 'TIFF', '.webp': 'WebP'},
    '.ppm': 'Netpbm',
}


@pytest.mark.parametrize('ending', FORMATS)
def test_size(ending):
    content = cv2.imencode(ending, PIXELS)[1].tobytes()
    assert read_image_header(content) == ImageHeader(FORMATS[ending], (50, 30))


def saved(kind, mode='RGB', **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ('kind', 'options'),
    [
        *(('JPEG', {'progressive': True}), ('GIF', {}), ('PNG', {'mode': 'P'})),
        *(('WEBP', {'lossless': True}), ('WEBP', {'lossless': False}), ('WEBP', {'mode': 'RGBA'})),
        *(('TIFF', {'mode': 'L'}), ('TIFF', {'compression': 'tiff_lzw'}), ('BMP', {'mode': 'L'})),
    ],
)
def test_size_by_another_writer(kind, options):
    assert read_image_header(saved(kind, **options)).image_wh == (50, 30)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_orientation(kind, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    header = read_image_header(saved(kind, exif=exif))
    assert (header.orientation, header.image_wh) == (orientation, (50, 30))
    assert header.is_turned_by_quarter == (orientation > 4)


@pytest.mark.parametrize(
    'exif', [b'', b'II', b'II*\x00\xff\xff\xff\xff', b'MM\x00*\x00\x00\x00\x08\x00\x09']
)
def test_damaged_exif_counts_as_none(exif):
    segment = b'Exif\x00\x00' + exif
    jpeg = saved('JPEG')
    start = b'\xff\xe1' + (len(segment) + 2).to_bytes(2, 'big') + segment
    assert read_image_header(jpeg[:2] + start + jpeg[2:]).orientation == 1


def test_depth():
    deep = cv2.imencode('.png', PIXELS.astype(np.uint16))[1].tobytes()
    assert read_image_header(deep).bits == 16


@pytest.mark.parametrize('bits', [32, 64])
def test_floating_point_is_told(bits):
    pixels = PIXELS.astype(f'float{bits}')
    header = read_image_header(cv2.imencode('.tiff', pixels)[1].tobytes())
    assert f'{bits} bits' in header.problem


OTHERS = {
    'HEIC': b'\x00\x00\x00\x18ftypheic\x00\x00\x00\x00',
    'video': b'\x00\x00\x00\x18ftypisom\x00\x00\x00\x00',
    'JPEG XL': b'\xff\x0a\x00\x00',
    'PDF': b'%PDF-1.7',
    'Git LFS': b'version https://git-lfs.github.com/spec/v1\n',
    'web page': b'<!DOCTYPE html><html>',
}


@pytest.mark.parametrize('name', OTHERS)
def test_other_formats_are_named(name):
    assert name in read_image_header(OTHERS[name]).problem


@pytest.mark.parametrize('ending', FORMATS)
def test_cut_off_anywhere(ending):
    content = cv2.imencode(ending, PIXELS)[1].tobytes()
    for length in range(min(len(content), 200)):
        header = read_image_header(content[:length])
        assert header is None or header.image_wh == (50, 30) or header.image_wh == (0, 0)


def test_jpeg_2000():
    sizes = (60).to_bytes(4, 'big') + (40).to_bytes(4, 'big') + (10).to_bytes(4, 'big') * 2
    content = b'\xff\x4f\xff\x51\x00\x2f\x00\x00' + sizes
    assert read_image_header(content) == ImageHeader('JPEG 2000', (50, 30))


def test_a_part_of_a_png_longer_than_the_file():
    """Decoders would make room for two gigabytes."""
    content = bytearray(cv2.imencode('.png', np.zeros((6, 8, 3), np.uint8))[1].tobytes())
    start = content.index(b'IDAT')
    content[start - 4 : start] = (2_000_000_000).to_bytes(4, 'big')
    header = read_image_header(bytes(content))
    assert header.image_wh == (8, 6)
    assert 'longer than the file' in header.problem
