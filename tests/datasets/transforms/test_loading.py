import warnings

import cv2
import numpy as np
import pytest
from PIL import Image

from cpose.datasets.transforms.loading import LoadPoseImage
from cpose.errors import DataError

from ...user_errors import raises

IMAGE = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


@pytest.fixture
def path(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), IMAGE)
    return str(tmp_path / 'a.png')


def test_load(path):
    results = LoadPoseImage()({'img_path': path})
    np.testing.assert_array_equal(results['img'], IMAGE)
    assert results['image_wh'] == (5, 4)


def test_pixels_that_are_there_stay(path):
    image = np.zeros((2, 3, 3), np.uint8)
    results = LoadPoseImage()({'img_path': path, 'img': image, 'image_wh': (3, 2)})
    assert results['img'] is image


def test_size_must_be_that_of_the_annotation(path):
    with raises(DataError, '5×4'):
        LoadPoseImage()({'img_path': path, 'image_wh': (4, 5)})


def test_unreadable(tmp_path):
    (tmp_path / 'b.png').touch()
    with raises(DataError):
        LoadPoseImage()({'img_path': str(tmp_path / 'b.png')})


def turned_photograph(path, orientation, shape=(4, 6)):
    """Write a picture with an EXIF orientation; return its stored pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels[..., ::-1]).save(path, exif=exif)
    return pixels


@pytest.mark.filterwarnings('error')
def test_annotation_of_stored_pixels(tmp_path):
    path = str(tmp_path / 'a.png')
    stored = turned_photograph(path, 6)
    results = LoadPoseImage()({'img_path': path, 'image_wh': (6, 4)})
    np.testing.assert_array_equal(results['img'], stored)
    results = LoadPoseImage()({'img_path': path, 'image_wh': (4, 6)})
    np.testing.assert_array_equal(results['img'], np.rot90(stored, -1))
    results = LoadPoseImage()({'img_path': path})
    assert results['image_wh'] == (4, 6)


@pytest.mark.parametrize(('orientation', 'shape'), [(3, (4, 6)), (2, (4, 6)), (8, (5, 5))])
def test_orientation_that_the_size_does_not_tell(tmp_path, orientation, shape):
    path = str(tmp_path / 'a.png')
    stored = turned_photograph(path, orientation, shape)
    record = {'img_path': path, 'image_wh': shape[::-1]}
    transform = LoadPoseImage()
    with pytest.warns(UserWarning, match='follow_exif'):
        upright = transform(dict(record))['img']
    assert not np.array_equal(upright, stored)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        transform(dict(record))
        kept = LoadPoseImage(follow_exif=False)(dict(record))['img']
    np.testing.assert_array_equal(kept, stored)
