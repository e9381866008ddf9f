"""One picture that shows the first images of a synthetic data set with their cuboids."""

import numpy as np

from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.structures.object_pose import PoseResult
from cpose.visualization.pictures import picture_grid
from cpose.visualization.pose_drawer import PoseDrawer
from cpose.visualization.pose_visualizer import truth_poses

MAX_IMAGES = 12


def draw_contact_sheet(dataset: SyntheticCuboidDataset) -> np.ndarray:
    """Return the first images side by side, with their cuboids, as one picture (H, W, 3) uint8."""
    drawer = PoseDrawer(show_axes=False, show_points=False, show_labels=False)
    pictures = []
    for index in range(min(len(dataset), MAX_IMAGES)):
        record = dataset.load_record(index)
        result = PoseResult(
            record.image_path, record.image_wh, record.intrinsics, truth_poses(record.truth)
        )
        pictures.append(drawer.draw(record.image, result))
    return picture_grid(pictures)
