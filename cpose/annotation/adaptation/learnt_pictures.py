"""Annotated pictures that a model can be adapted to: read, and asked what they show.

Whatever training would refuse is left out before anything is written. Letters: I pictures, T
objects of all pictures.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cpose.annotation.checks.similarity import find_similar, hash_picture
from cpose.datasets.annotations.annotation_index import index_folder
from cpose.datasets.annotations.annotation_table import AnnotationTable
from cpose.datasets.annotations.contradictions import find_contradictions
from cpose.datasets.annotations.data_problems import DataProblems
from cpose.datasets.annotations.object_checks import (
    image_of_object,
    keep_consistent,
    label_objects,
)
from cpose.datasets.transforms.loading import LoadPoseImage
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError
from cpose.files.outputs import note_input
from cpose.registry import SYMMETRIES

MIN_VISIBILITY = 0.1
"""Below, the metric does not count an object."""


@dataclass(frozen=True)
class LearntPictures:
    """Pictures of a folder that can be learnt from, or judged by.

    Attributes:
        table: Their annotations.
        hashes: I of `hash_picture`.
        is_learnt: (T,) bool, whether an object is of what is learnt.
        shows: (I,) bool, whether a picture shows such an object that the metric counts.
        left_out: What cannot be used, and why, a line for each reason.
    """

    table: AnnotationTable
    hashes: Sequence[bytes]
    is_learnt: np.ndarray
    shows: np.ndarray
    left_out: str

    @property
    def paths(self) -> list[str]:
        """Return the paths of the pictures, relative to their folder."""
        return self.table.paths.tolist()


def check_apart(root: str, val: str | float) -> None:
    """Refuse held-out pictures of the same folder.

    Raises:
        ConfigError: If one of the two folders is in the other one.
    """
    if isinstance(val, float):
        return
    first, second = Path(root).resolve(), Path(val).resolve()
    if first.is_relative_to(second) or second.is_relative_to(first):
        raise ConfigError(
            f'shares pictures with {root}, on which the model is trained',
            argument='val',
            value=val,
            advice='Give two folders that lie beside each other, such as those of `cpose split '
            '--folders`, or a share',
        )


def read_annotations(root: str) -> tuple[AnnotationTable, DataProblems]:
    """Return the annotations of a folder that agree with themselves, and what is left out.

    Raises:
        DataError: If there is no object, or most annotations contradict themselves.
    """
    note_input(root)
    problems = DataProblems('skip')
    table = _without_contradictions(root, index_folder(root, problems), problems)
    if not len(table.objects):
        found = f': {problems.describe().strip()}' if len(problems) else ''
        raise DataError(
            f'holds no picture with an annotated object{found}',
            argument='folder',
            place=FilePlace(root),
            advice='Annotate some, ten or more: an image and a JSON file of the same name',
        )
    return table, problems


def _without_contradictions(
    root: str, table: AnnotationTable, problems: DataProblems
) -> AnnotationTable:
    paths = table.paths.tolist()
    found = find_contradictions(paths, table.findings.tolist(), len(table))
    wrong = set(found.contradicting)
    if 2 * len(wrong) > len(table):
        raise DataError(
            f'holds annotations that contradict themselves, {len(wrong)} of {len(table)}:\n'
            f'{found.describe()}\n',
            argument='folder',
            place=FilePlace(root),
            advice='Let `cpose check-data --fix` write corrected files, and give those',
        )
    for path in found.contradicting:
        problems.add('annotation that contradicts itself, see `cpose check-data`', path)
    return table.select(np.flatnonzero([path not in wrong for path in paths]))


def choose_pictures(
    root: str,
    table: AnnotationTable,
    problems: DataProblems,
    metainfo: Mapping[str, Any],
    classes: Mapping[str, str] | None,
    least: int,
) -> LearntPictures:
    """Return the pictures of which training can use all that it reads.

    Args:
        root: Their folder.
        table: Of `read_annotations`.
        problems: Receives what else is left out.
        metainfo: Of what is learnt, one category or a list for each key.
        classes: What classes of annotations count as.
        least: Pictures that must show an object.

    Raises:
        DataError: If fewer do.
    """
    is_one = isinstance(metainfo['category'], str)
    names, symmetries = (
        [value] if is_one else list(value) for value in (metainfo['category'], metainfo['symmetry'])
    )
    built = [SYMMETRIES.build(dict(item)) for item in symmetries]
    labels = label_objects(table, names, classes)
    table = keep_consistent(table, labels, names, built, problems)
    table, hashes = _readable(root, table, problems)
    is_learnt = np.asarray(label_objects(table, names, classes) >= 0)
    shows = _shows_object(table, is_learnt)
    left_out = '\n'.join(filter(None, (problems.describe(), _describe_others(table, is_learnt))))
    if shows.sum() < least:
        raise DataError(
            f'holds {shows.sum()} pictures that can be used and show an object of what is learnt, '
            f'with its 3D points and a visibility of {MIN_VISIBILITY} or more, and {least} are '
            f'needed{":" if left_out else ""}\n{left_out}'.rstrip(),
            argument='folder',
            place=FilePlace(root),
            advice=('Annotate more, ten or more', 'Give others by {val}'),
        )
    return LearntPictures(table, hashes, is_learnt, shows, left_out)


def _readable(
    root: str, table: AnnotationTable, problems: DataProblems
) -> tuple[AnnotationTable, list[bytes]]:
    """Leave out the pictures that training could not read, and return hashes of the others."""
    load, kept, hashes = LoadPoseImage(), [], []
    sizes = table.images['image_wh'].tolist()
    for number, (path, image_wh) in enumerate(zip(table.paths.tolist(), sizes, strict=True)):
        record = {'img_path': os.path.join(root, path), 'image_wh': tuple(image_wh)}
        try:
            hashes.append(hash_picture(load.transform(record)['img']))
        except DataError as error:
            problems.add(f'image {error.problem}', path)
        else:
            kept.append(number)
    return table.select(np.array(kept, dtype=np.int64)), hashes


def _shows_object(table: AnnotationTable, is_learnt: np.ndarray) -> np.ndarray:
    objects = table.objects
    is_known = np.isfinite(objects['keypoints_gl']).all(axis=(1, 2))
    counts = is_learnt & is_known & (objects['visibility'] >= MIN_VISIBILITY)
    return np.bincount(image_of_object(table)[counts], minlength=len(table)) > 0


def _describe_others(table: AnnotationTable, is_learnt: np.ndarray) -> str:
    """Return a line about objects of other classes, empty if there are none."""
    others = table.objects['class_name'][~is_learnt].tolist()
    names = sorted({name.decode('utf-8', 'replace') or 'none' for name in others})
    return f'  {len(others)} × object of another class: {", ".join(names)}' if others else ''


def warn_of_similar(trained: LearntPictures, held: LearntPictures) -> None:
    """Warn of pictures to judge by that look as ones that are trained on."""
    count = len(trained.hashes)
    found = {
        second - count: first
        for first, second in find_similar([*trained.hashes, *held.hashes])
        if first < count <= second
    }
    if found:
        number, first = min(found.items())
        warnings.warn(
            f'Of {len(held.hashes)} pictures to judge by {len(found)} look nearly the same as ones '
            f'that are trained on, for example {held.paths[number]} as {trained.paths[first]}: the '
            'numbers flatter the model.',
            stacklevel=2,
        )
