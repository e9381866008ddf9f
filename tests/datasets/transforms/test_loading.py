import cv2
import numpy as np
import pytest

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
