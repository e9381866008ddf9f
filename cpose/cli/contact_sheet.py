"""One picture that shows the first images of a synthetic data set with their cuboids."""

from pathlib import Path

import cv2
import numpy as np

from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import OutputError
from cpose.structures.object_pose import PoseResult
from cpose.visualization.pose_drawer import PoseDrawer
from cpose.visualization.truth_poses import truth_poses

COLUMNS, ROWS = 4, 3
TILE_SIDE = 320
"""Longer side of an image in the sheet, pixels."""


def draw_contact_sheet(dataset: SyntheticCuboidDataset) -> np.ndarray:
    """Return the sheet (H, W, 3) uint8; places without an image stay black."""
    drawer = PoseDrawer(show_axes=False, show_points=False, show_labels=False)
    scale = TILE_SIDE / max(dataset.image_wh)
    width, height = (max(1, round(side * scale)) for side in dataset.image_wh)
    sheet = np.zeros((ROWS * height, COLUMNS * width, 3), dtype=np.uint8)
    for number in range(min(len(dataset), COLUMNS * ROWS)):
        record = dataset.load_record(number)
        result = PoseResult(
            record['img_path'],
            record['image_wh'],
            record['intrinsics'],
            truth_poses(record['truth']),
        )
        tile = cv2.resize(
            drawer.draw(record['img'], result), (width, height), interpolation=cv2.INTER_AREA
        )
        top, left = number // COLUMNS * height, number % COLUMNS * width
        sheet[top : top + height, left : left + width] = tile
    return sheet


def write_contact_sheet(dataset: SyntheticCuboidDataset, path: Path) -> None:
    """Write the sheet as PNG.

    Raises:
        OutputError: If the file cannot be written.
    """
    try:
        path.write_bytes(cv2.imencode('.png', draw_contact_sheet(dataset))[1].tobytes())
    except OSError as error:
        raise OutputError(
            f'{path} cannot be written: {error.strerror}. Check the folder.'
        ) from error
