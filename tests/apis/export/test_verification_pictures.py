import cv2
import numpy as np
import pytest
import torch

from cpose.apis.export import model_export as verification_pictures
from cpose.apis.export.model_export import make_pictures
from cpose.errors import DataError

from ...user_errors import raises
from ..inference_scenes import grey_image, tiny_config


def test_noise_and_drawn_pictures():
    made = make_pictures(tiny_config(), (96, 64))
    assert made.origin == 'noise and 2 synthetic pictures'
    pictures = made.pixels
    assert pictures.shape == (3, 3, 64, 96)
    assert pictures.dtype == torch.uint8
    assert [len(picture.unique()) > 50 for picture in pictures] == [True] * 3
    torch.testing.assert_close(make_pictures(tiny_config(), (96, 64)).pixels, pictures)


def test_own_pictures_pass_the_steps_of_the_test_data(tmp_path, monkeypatch):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f'{number}.png'), grey_image(50 + number, (100, 50)))
    files = [tmp_path / '1.png', tmp_path / '2.png']
    made = make_pictures(tiny_config(), (64, 64), files)
    assert made.origin == f'noise and 2 pictures of {files[0]}, {files[1]}'
    pictures = made.pixels
    assert pictures.shape == (3, 3, 64, 64)
    assert pictures[1:, :, 32, 32].tolist() == [[51] * 3, [52] * 3]
    assert not pictures[1, :, 0].any(), 'letterbox'
    monkeypatch.setattr(verification_pictures, 'MOST_PICTURES', 2)
    made = make_pictures(tiny_config(), (64, 64), [tmp_path])
    assert made.origin == f'noise and 2 pictures of {tmp_path}'
    assert len(made.pixels) == 3
    made = make_pictures(tiny_config(), (64, 64), [*files, tmp_path / '0.png'])
    assert made.origin.endswith(f'{files[1]} and 1 more')


def test_test_data_are_taken_if_they_are_there(tmp_path):
    (tmp_path / 'cup').mkdir()
    for number in range(6):
        cv2.imwrite(str(tmp_path / 'cup' / f'{number}.png'), grey_image(50 + number, (64, 64)))
    config = tiny_config()
    config.test_dataloader.dataset.data_root = [str(tmp_path / '{category}'), 'nowhere']
    made = make_pictures(config, (64, 64))
    assert made.origin == f'noise and 4 pictures of {tmp_path / "cup"}'
    assert made.pixels[1:, 0, 32, 32].tolist() == [50, 51, 52, 53]
    config.test_dataloader.dataset.data_root = 'nowhere'
    assert 'synthetic' in make_pictures(config, (64, 64)).origin


@pytest.mark.parametrize('bad_images', [0, 1])
def test_test_data_without_a_usable_picture(tmp_path, bad_images):
    for number in range(bad_images):
        (tmp_path / f'{number}.png').write_bytes(b'no image')
    config = tiny_config()
    config.test_dataloader.dataset.data_root = str(tmp_path)
    made = make_pictures(config, (64, 64))
    assert made.origin == f'noise and 2 synthetic pictures (none of {tmp_path} can be read)'
    with pytest.raises(DataError):
        make_pictures(config, (64, 64), [tmp_path])


def test_readable_pictures_of_the_test_data_are_taken(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'no image')
    cv2.imwrite(str(tmp_path / 'b.png'), grey_image(50, (64, 64)))
    config = tiny_config()
    config.test_dataloader.dataset.data_root = str(tmp_path)
    assert make_pictures(config, (64, 64)).origin == f'noise and 1 pictures of {tmp_path}'


def test_a_picture_that_cannot_be_read(tmp_path):
    (tmp_path / 'a.png').write_bytes(np.zeros(10).tobytes())
    with raises(DataError, path=tmp_path / 'a.png'):
        make_pictures(tiny_config(), (64, 64), [tmp_path / 'a.png'])
