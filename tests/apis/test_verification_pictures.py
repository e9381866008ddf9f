import cv2
import numpy as np
import pytest
import torch

from cpose.apis import verification_pictures
from cpose.apis.verification_pictures import make_pictures
from cpose.errors import DataError

from .inference_scenes import grey_image, tiny_config


def test_noise_and_drawn_pictures():
    pictures = make_pictures(tiny_config(), (96, 64))
    assert pictures.shape == (3, 3, 64, 96)
    assert pictures.dtype == torch.uint8
    assert [len(picture.unique()) > 50 for picture in pictures] == [True] * 3
    torch.testing.assert_close(make_pictures(tiny_config(), (96, 64)), pictures)


def test_own_pictures_pass_the_steps_of_the_test_data(tmp_path, monkeypatch):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f'{number}.png'), grey_image(50 + number, (100, 50)))
    pictures = make_pictures(tiny_config(), (64, 64), [tmp_path / '1.png', tmp_path / '2.png'])
    assert pictures.shape == (3, 3, 64, 64)
    assert pictures[1:, :, 32, 32].tolist() == [[51] * 3, [52] * 3]
    assert not pictures[1, :, 0].any(), 'letterbox'
    monkeypatch.setattr(verification_pictures, 'MOST_PICTURES', 2)
    assert len(make_pictures(tiny_config(), (64, 64), [tmp_path])) == 3


def test_a_picture_that_cannot_be_read(tmp_path):
    (tmp_path / 'a.png').write_bytes(np.zeros(10).tobytes())
    with pytest.raises(DataError, match=r'a\.png'):
        make_pictures(tiny_config(), (64, 64), [tmp_path / 'a.png'])
