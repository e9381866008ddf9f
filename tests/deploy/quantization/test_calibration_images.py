import numpy as np
import pytest

from cpose.datasets.synthetic.folder import write_images
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.deploy.quantization.calibration_images import (
    CalibrationImages,
    build_preprocessor,
    config_dataset,
    folder_dataset,
)
from cpose.errors import ConfigError, DataError

from ...user_errors import raises
from ..small_models import CONFIG, small_metadata


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder in the TAO format: five pictures of 96×64 pixels with annotations."""
    path = tmp_path_factory.mktemp('boxes')
    list(write_images(SyntheticCuboidDataset(5, image_wh=(96, 64)), path, 0))
    return path


def images_of(folder, **changes):
    metadata = small_metadata()
    return CalibrationImages(folder_dataset([str(folder)], metadata), metadata, **changes)


def test_pictures_become_network_inputs(folder):
    batches = list(images_of(folder, batch_size=2, num_batches=2))
    assert [batch.shape for batch in batches] == [(2, 3, 64, 64)] * 2
    assert batches[0].dtype == np.float32
    black = -np.array([0.4, 0.45, 0.5]) / 0.3
    np.testing.assert_allclose(batches[0][0, :, 0, 0], black, atol=1e-6)


def test_every_pass_gives_the_same(folder):
    images = images_of(folder, batch_size=5)
    np.testing.assert_array_equal(next(iter(images)), next(iter(images)))


@pytest.mark.parametrize(
    ('batch_size', 'num_batches', 'expected'),
    [(2, None, [0, 1, 3, 4]), (5, None, [0, 1, 2, 3, 4]), (1, 3, [0, 2, 4]), (1, 1, [0])],
)
def test_images_are_spread_over_the_folder(folder, batch_size, num_batches, expected):
    images = images_of(folder, batch_size=batch_size, num_batches=num_batches)
    assert images.indices == expected
    assert images.num_images == len(expected)


def test_too_few_images_are_refused(folder):
    with raises(DataError, '6 images', argument='batch_size', value=3):
        images_of(folder, batch_size=3, num_batches=2)
    with raises(DataError, '8 images', argument='batch_size', value=8):
        images_of(folder, batch_size=8)


def test_missing_images_are_refused(tmp_path):
    with raises(DataError, argument='folders'):
        folder_dataset([str(tmp_path / 'nowhere')], small_metadata())
    with raises(DataError, 'jpg'):
        folder_dataset([str(tmp_path)], small_metadata())


def test_the_training_images_of_the_config_are_taken_without_augmentation():
    dataset = config_dataset(CONFIG, small_metadata())
    assert len(dataset) == 20
    assert (dataset.seed, dataset.fresh_each_epoch, dataset.input_wh) == (1, False, (64, 64))
    assert len(dataset.pipeline.transforms) == 3


def test_a_config_without_usable_images_is_refused(tmp_path):
    with raises(ConfigError, key='train_dataloader'):
        config_dataset({'train_dataloader': None}, small_metadata())
    given = {'type': 'CenterPoseDataset', 'data_root': str(tmp_path / 'nowhere')}
    with raises(DataError, 'nowhere'):
        config_dataset({'train_dataloader': {'dataset': given}}, small_metadata())


def test_a_graph_that_normalises_gets_rgb_of_0_to_1():
    pixels = np.zeros((3, 32, 32), np.uint8)
    pixels[0] = 255
    given = {'inputs': [build_tensor(pixels)]}
    baked = build_preprocessor(small_metadata(input_encoding='rgb_0_1'))(given)['inputs']
    np.testing.assert_allclose(baked[0, :, 0, 0], [0, 0, 1], atol=1e-6)
    plain = build_preprocessor(small_metadata())(given)['inputs']
    np.testing.assert_allclose(plain[0, :, 0, 0], [0.6 / 0.3, -1.5, -0.5 / 0.3], atol=1e-5)


def build_tensor(pixels):
    torch = pytest.importorskip('torch')
    return torch.from_numpy(pixels)
