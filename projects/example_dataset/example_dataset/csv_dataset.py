"""Cuboids in one CSV file: an image has as many rows as objects."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from cpose.datasets.annotations.annotation_table import annotate_poses
from cpose.datasets.base_dataset import PoseDataset
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.registry import DATASETS
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.image_record import ImageRecord

CAMERA = ('fx', 'fy', 'cx', 'cy')
LOCATION = ('x', 'y', 'z')
QUATERNION = ('qx', 'qy', 'qz', 'qw')
EXTENTS = ('width', 'height', 'depth')


@DATASETS.register_module()
class CsvDataset(PoseDataset):
    """Images and the poses of their objects.

    Columns: ``image`` (path beside the file), ``class``, ``fx fy cx cy`` (pixels), ``x y z``
    (metres, OpenCV camera frame), ``qx qy qz qw`` (camera from object, y of the object is up) and
    ``width height depth`` (metres).

    A data source needs no more than this: how many images there are, and the record of each.
    Symmetries, augmentation, its seed, packing and unusable images are matters of `PoseDataset`,
    which takes ``**options``.

    Args:
        ann_file: The CSV file.
        options: Arguments of `PoseDataset`.

    Raises:
        DataError: If the file cannot be read.
    """

    def __init__(self, ann_file: str, **options: Any) -> None:
        super().__init__(**options)
        self.file = Path(ann_file)
        self.images: dict[str, list[dict[str, str]]] = {}
        try:
            with self.file.open(newline='', encoding='utf-8') as file:
                for row in csv.DictReader(file):
                    self.images.setdefault(row['image'], []).append(row)
        except (OSError, KeyError) as error:
            raise DataError(
                f'is no CSV file with a column image: {error!r}', place=FilePlace(self.file)
            ) from error
        self.names = sorted(self.images)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def load_record(self, index: int) -> ImageRecord:
        """Return path, camera and objects of one image.

        Raises:
            DataError: If a value is no number, or a class no category.
        """
        name = self.names[index]
        rows = self.images[name]
        try:
            intrinsics = intrinsic_matrix(*_numbers(rows[:1], CAMERA)[0])
            labels = np.array([self.find_label(row['class']) for row in rows])
            annotations = annotate_poses(labels, _poses(rows), _numbers(rows, EXTENTS), intrinsics)
        except (KeyError, ValueError) as error:
            raise DataError(
                f'has wrong rows of {name}: {error}',
                place=FilePlace(self.file),
                advice='Correct them',
            ) from error
        return ImageRecord(
            image_path=str(self.file.with_name(name)),
            intrinsics=intrinsics,
            annotations=annotations,
        )


def _numbers(rows: list[dict[str, str]], columns: tuple[str, ...]) -> np.ndarray:
    return np.array([[float(row[column]) for column in columns] for row in rows])


def _poses(rows: list[dict[str, str]]) -> np.ndarray:
    poses = np.tile(np.eye(4), (len(rows), 1, 1))
    poses[:, :3, :3] = [matrix_from_quaternion(q) for q in _numbers(rows, QUATERNION)]
    poses[:, :3, 3] = _numbers(rows, LOCATION)
    return poses
