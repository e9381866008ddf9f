"""Folders of images with one JSON file each, as TAO and NVlabs CenterPose use them."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpose.datasets.annotations.annotation_index import choose_images, index_folder
from cpose.datasets.annotations.annotation_table import (
    AnnotationTable,
    PackedStrings,
    annotations_of,
)
from cpose.datasets.annotations.contradictions import (
    OnContradiction,
    check_on_contradiction,
    find_contradictions,
    report_contradictions,
)
from cpose.datasets.annotations.data_folders import DataFolder, Places, find_folders
from cpose.datasets.annotations.data_problems import DataProblems, OnError
from cpose.datasets.annotations.object_checks import (
    check_classes,
    has_target,
    ignored_boxes,
    keep_consistent,
    label_objects,
    symmetry_orders,
    warn_of_absent_classes,
    warn_of_invisible_objects,
    warn_of_lost_symmetry,
)
from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.conventions.table import Convention, check_convention
from cpose.datasets.transforms.symmetries import ExpandSymmetries
from cpose.errors import DataError
from cpose.files.outputs import note_input
from cpose.registry import DATASETS
from cpose.structures.image_record import ImageRecord


@DATASETS.register_module()
class CenterPoseDataset(PoseDataset):
    """Images and annotations of one or several folders, searched with all their sub-folders.

    Args:
        data_root: Folder or folders; ``{category}`` in it stands for each category in turn. A dict
            of category and folder or folders says what the objects of a folder are whose class is
            no category.
        pipeline: Configs of the transforms.
        metainfo: ``category``, ``symmetry`` and ``eval_num_symmetry``, one value or a list each.
            With several categories the field ``class`` of an object says which one it is of, or
            else ``data_root``.
        input_wh: Width and height of the network input, multiples of 32.
        seed: First part of the seed of the augmentation.
        max_objs: Objects per image that get training targets, in the order of the file.
        on_error: ``'raise'`` refuses a data set with unusable files, ``'skip'`` leaves them out
            and logs how many and why. An image that turns out to be unreadable later is then
            replaced by the next one, whose sample is marked, so that evaluation does not count
            it twice.
        require_annotation: Whether every image needs a JSON file; else ``annotations`` may be None.
        classes: What the field ``class`` of objects means: the name of a category, ``leave_out``,
            or ``ignore``, which makes their region one that the metric ignores. ``*`` stands for
            all classes that are not named. Without it every object is of the one category.
        convention: How the files are written where they differ from the format, such as
            ``dict(camera_frame='opencv')``; see `cpose.datasets.conventions.table`.
        on_contradiction: ``'raise'`` refuses a data set most of whose annotations contradict
            themselves, ``'warn'`` only tells.
        image_list: Text file that names the images to take, one path a line, relative to the data
            folder; with several folders one for each, in the form of ``data_root``. Without it all
            are taken.

    Attributes:
        targets_by_label: (C,) how many objects of each category are trained on.
    """

    def __init__(
        self,
        data_root: Places,
        pipeline: Sequence[Mapping[str, Any]],
        metainfo: Mapping[str, Any] | None = None,
        input_wh: tuple[int, int] = (512, 512),
        seed: int = 0,
        max_objs: int = 10,
        on_error: OnError = 'raise',
        require_annotation: bool = True,
        classes: Mapping[str, str] | None = None,
        convention: Convention | None = None,
        on_contradiction: OnContradiction = 'raise',
        image_list: Places | None = None,
    ) -> None:
        super().__init__(pipeline, metainfo, input_wh, seed, max_objs, on_error)
        categories = self._metainfo['category']
        self._classes = {} if classes is None else classes
        check_classes(self._classes, categories)
        self._convention = {} if convention is None else convention
        check_convention(self._convention)
        check_on_contradiction(on_contradiction)
        self._on_contradiction: OnContradiction = on_contradiction
        folders = find_folders(data_root, categories, image_list)
        parts = [self._load_folder(folder, require_annotation) for folder in folders]
        table = AnnotationTable.concatenate([part for part, _ in parts])
        labels = np.concatenate([part for _, part in parts])
        warn_of_absent_classes(table, self._classes, data_root)
        self._paths = PackedStrings.pack(
            os.path.join(folder.path, path)
            for folder, (part, _) in zip(folders, parts, strict=True)
            for path in part.paths.tolist()
        )
        self._ignored = ignored_boxes(table, labels)
        if (labels < 0).any():
            table, labels = table.keep_objects(labels >= 0), labels[labels >= 0]
        self._images, self._objects, self._extras = table.images, table.objects, table.extras
        self._ranges, self._labels = table.object_ranges(), labels
        orders = symmetry_orders(table, labels, self._symmetries)
        targets = labels[has_target(table, labels, orders, max_objs)]
        self.targets_by_label = np.bincount(targets, minlength=len(categories))

    def _load_folder(
        self, folder: DataFolder, require_annotation: bool
    ) -> tuple[AnnotationTable, np.ndarray]:
        """Return the annotations of a folder that can be used, and the label of each object."""
        root = folder.path
        note_input(root, folder.image_list)
        problems = DataProblems(self.on_error)
        table = index_folder(root, problems, require_annotation, self._convention)
        if folder.image_list is not None:
            table = choose_images(table, folder.image_list, problems)
        categories = self._metainfo['category']
        rules = categories, self._classes, folder.category
        labels = label_objects(table, *rules)
        consistent = keep_consistent(table, labels, categories, self._symmetries, problems)
        problems.report(root)
        if not len(consistent):
            raise DataError(
                f'holds no usable image with annotation:\n{problems.describe()}\n',
                argument='data_root',
                value=root,
                advice='Correct the files',
            )
        if consistent is not table:
            labels = label_objects(consistent, *rules)
        warn_of_lost_symmetry(consistent, labels, self._symmetries, root)
        if not self._is_for_training:
            warn_of_invisible_objects(consistent, root)
        self._report_contradictions(consistent, labels, root)
        return consistent, labels

    def _report_contradictions(self, table: AnnotationTable, labels: np.ndarray, root: str) -> None:
        """Tell what contradicts itself in what this data set is read for."""
        if not len(table.findings.text):
            return
        num_annotated = int(table.images['is_annotated'].sum())
        found = find_contradictions(table.paths.tolist(), table.findings.tolist(), num_annotated)
        if self._is_for_training and (symmetry_orders(table, labels, self._symmetries) == 1).all():
            found = found.of_corners_only()
        report_contradictions(found, root, self._on_contradiction)

    @property
    def _is_for_training(self) -> bool:
        return any(isinstance(step, ExpandSymmetries) for step in self.pipeline.transforms)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._images)

    def load_record(self, index: int) -> ImageRecord:
        """Return path, camera and annotation of one image."""
        image, path = self._images[index], self._paths[index]
        if not image['is_annotated']:
            return ImageRecord(image_path=path)
        first, last = int(self._ranges[index]), int(self._ranges[index + 1])
        extras = [self._extras[number] for number in range(first, last)]
        return ImageRecord(
            image_path=path,
            image_wh=(int(image['image_wh'][0]), int(image['image_wh'][1])),
            intrinsics=_matrix_or_none(image['intrinsics']),
            projection=_matrix_or_none(image['projection']),
            distortion=image['distortion'].copy() if image['distortion'].any() else None,
            annotations=annotations_of(
                image,
                self._objects[first:last],
                self._labels[first:last],
                extras,
                self._ignored_boxes(index),
            ),
        )

    def _ignored_boxes(self, index: int) -> np.ndarray | None:
        boxes, images = self._ignored
        first, last = np.searchsorted(images, [index, index + 1])
        return boxes[first:last].copy() if last > first else None

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of the objects of one image."""
        return self._labels[self._ranges[idx] : self._ranges[idx + 1]].tolist()


def _matrix_or_none(matrix: np.ndarray) -> np.ndarray | None:
    return None if np.isnan(matrix).any() else matrix.copy()
