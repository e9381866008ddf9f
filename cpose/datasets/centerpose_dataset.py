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
from cpose.datasets.annotations.data_problems import DataProblems, OnError
from cpose.datasets.annotations.object_checks import (
    check_classes,
    has_target,
    ignored_boxes,
    keep_consistent,
    label_objects,
    symmetry_orders,
    warn_of_invisible_objects,
    warn_of_lost_symmetry,
)
from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.conventions.table import Convention, check_convention
from cpose.datasets.transforms.symmetries import ExpandSymmetries
from cpose.errors import ConfigError, DataError
from cpose.files.outputs import note_input
from cpose.registry import DATASETS
from cpose.structures.image_record import ImageRecord


@DATASETS.register_module()
class CenterPoseDataset(PoseDataset):
    """Images and annotations of one or several folders, searched with all their sub-folders.

    Args:
        data_root: Folder or folders; ``{category}`` in it stands for each category in turn.
        pipeline: Configs of the transforms.
        metainfo: ``category``, ``symmetry`` and ``eval_num_symmetry``, one value or a list each.
            With several categories the field ``class`` of an object says which one it is of.
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
            folder; with several folders one for each, ``{category}`` as in ``data_root``. Without
            it all are taken.
    """

    def __init__(
        self,
        data_root: str | Sequence[str],
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
        image_list: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(pipeline, metainfo, input_wh, seed, max_objs, on_error)
        categories = self._metainfo['category']
        self._classes = {} if classes is None else classes
        check_classes(self._classes, categories)
        self._convention = {} if convention is None else convention
        check_convention(self._convention)
        check_on_contradiction(on_contradiction)
        self._on_contradiction: OnContradiction = on_contradiction
        roots = expand_roots(data_root, categories)
        lists = expand_lists(image_list, roots, categories)
        tables = [
            self._load_root(root, require_annotation, path)
            for root, path in zip(roots, lists, strict=True)
        ]
        table = AnnotationTable.concatenate(tables)
        self._paths = PackedStrings.pack(
            os.path.join(root, path)
            for root, part in zip(roots, tables, strict=True)
            for path in part.paths.tolist()
        )
        labels = label_objects(table, categories, self._classes)
        self._ignored = ignored_boxes(table, labels)
        if (labels < 0).any():
            table, labels = table.keep_objects(labels >= 0), labels[labels >= 0]
        self._images, self._objects, self._extras = table.images, table.objects, table.extras
        self._ranges, self._labels = table.object_ranges(), labels
        orders = symmetry_orders(table, labels, self._symmetries)
        self.num_targets = int(has_target(table, labels, orders, max_objs).sum())

    def _load_root(
        self, root: str, require_annotation: bool, image_list: str | None
    ) -> AnnotationTable:
        note_input(root, image_list)
        problems = DataProblems(self.on_error)
        table = index_folder(root, problems, require_annotation, self._convention)
        if image_list is not None:
            table = choose_images(table, image_list, problems)
        categories = self._metainfo['category']
        labels = label_objects(table, categories, self._classes)
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
            labels = label_objects(consistent, categories, self._classes)
        warn_of_lost_symmetry(consistent, labels, self._symmetries, root)
        if not self._is_for_training:
            warn_of_invisible_objects(consistent, root)
        self._report_contradictions(consistent, labels, root)
        return consistent

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


def expand_roots(data_root: str | Sequence[str], categories: Sequence[str]) -> list[str]:
    """Fill ``{category}`` in the data folders, one folder per category.

    Raises:
        ConfigError: If no folder is given.
    """
    templates = [data_root] if isinstance(data_root, str) else list(data_root or ())
    if not templates or not all(isinstance(item, str) and item for item in templates):
        raise ConfigError(
            'is no folder',
            argument='data_root',
            value=data_root,
            advice='Give a folder or a list of folders',
        )
    filled = [t.replace('{category}', name) for t in templates for name in categories]
    return list(dict.fromkeys(filled))


def expand_lists(
    image_list: str | Sequence[str] | None, roots: Sequence[str], categories: Sequence[str]
) -> Sequence[str | None]:
    """Return the list of images of each data folder, None for all of its images.

    Raises:
        ConfigError: If there are not as many lists as folders.
    """
    if image_list is None:
        return [None] * len(roots)
    templates = [image_list] if isinstance(image_list, str) else list(image_list)
    is_text = all(isinstance(item, str) and item for item in templates)
    filled = [t.replace('{category}', name) for t in templates for name in categories if is_text]
    lists = list(dict.fromkeys(filled))
    if len(lists) != len(roots):
        raise ConfigError(
            f'must name {len(roots)} files, one for each data folder, and names {len(lists)}',
            argument='image_list',
            value=image_list,
            advice='Give one text file for each folder of {data_root}',
        )
    return lists


def _matrix_or_none(matrix: np.ndarray) -> np.ndarray | None:
    return None if np.isnan(matrix).any() else matrix.copy()
