import cv2
import numpy as np

from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.visualization.pose_visualizer import draw_contact_sheet


def make_dataset(num_images):
    return SyntheticCuboidDataset(num_images, image_wh=(128, 96))


def test_tiles_are_the_first_images_with_cuboids():
    dataset = make_dataset(5)
    sheet = draw_contact_sheet(dataset)
    assert sheet.shape == (2 * 240, 4 * 320, 3)
    assert sheet[240:, :320].any()
    assert not sheet[240:, 320:].any()
    image = cv2.resize(dataset.load_record(0).image, (320, 240), interpolation=cv2.INTER_AREA)
    is_changed = np.abs(sheet[:240, :320].astype(int) - image).max(axis=2) > 40
    assert 0.002 < is_changed.mean() < 0.5


def test_sheet_is_limited():
    assert draw_contact_sheet(make_dataset(20)).shape == (3 * 240, 4 * 320, 3)
