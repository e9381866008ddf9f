import cv2
import numpy as np
import pytest

from cpose.errors import OutputError
from cpose.visualization.pictures import write_picture

from ..user_errors import raises

PICTURE = np.full((4, 6, 3), (10, 200, 90), np.uint8)


@pytest.mark.parametrize('name', ['a.png', 'new/folder/a.jpg', 'a.jpeg'])
def test_round_trip(tmp_path, name):
    write_picture(tmp_path / name, PICTURE)
    stored = cv2.imread(str(tmp_path / name))
    assert np.abs(stored.astype(int) - PICTURE).max() <= 3


def test_place_that_cannot_be_written(tmp_path):
    (tmp_path / 'a.png').mkdir()
    with raises(OutputError, 'Is a directory'):
        write_picture(tmp_path / 'a.png', PICTURE)
