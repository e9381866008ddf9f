import numpy as np
import pytest

from cpose.cli.contact_sheet import draw_contact_sheet, write_contact_sheet
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import OutputError


def make_dataset(num_images):
    return SyntheticCuboidDataset(num_images, image_wh=(128, 96))


def test_tiles_are_the_first_images_with_cuboids():
    dataset = make_dataset(5)
    sheet = draw_contact_sheet(dataset)
    assert sheet.shape == (3 * 240, 4 * 320, 3)
    assert sheet[240:480, :320].any()
    assert not sheet[240:480, 320:].any()
    image = dataset.load_record(0)['img']
    tile = sheet[:240:2, :320:2][:96, :128]
    assert not np.array_equal(tile, image)


def test_folder_must_exist(tmp_path):
    with pytest.raises(OutputError, match='cannot be written'):
        write_contact_sheet(make_dataset(1), tmp_path / 'nowhere' / 'sheet.png')
