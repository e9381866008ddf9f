"""Check a folder of images and annotations file by file."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.datasets.annotations.contradictions import (
    Contradictions,
    ContradictionSearch,
    summarise_kind,
)
from cpose.datasets.annotations.file_index import ImageFile, scan_folder
from cpose.datasets.conventions.consistency import Finding, measure_reprojection, pose_objects
from cpose.datasets.conventions.table import Convention, check_convention
from cpose.datasets.image_reading import read_image
from cpose.errors import DataError

BATCH = 64
"""Files that are read side by side before they are compared."""
PERCENTILES = (50, 95, 100)


@dataclass(frozen=True)
class CheckedFile:
    """What is found in an image and its annotation.

    Attributes:
        path: The image, or an annotation without one; relative to the folder.
        annotation_path: Relative to the folder, None without annotation.
        findings: In the annotation.
        errors: Why one of the two cannot be used at all.
        reprojection_px: Of each object, NaN where it is unknown.
    """

    path: str
    annotation_path: str | None = None
    findings: tuple[Finding, ...] = ()
    errors: tuple[str, ...] = ()
    reprojection_px: tuple[float, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether something is found that decides about training or testing."""
        return bool(self.errors) or any(item.is_used for item in self.findings)


@dataclass(frozen=True)
class DataCheck:
    """What is found in a folder.

    Attributes:
        root: The folder.
        files: In the order of their paths.
    """

    root: str
    files: list[CheckedFile] = field(default_factory=list)

    @property
    def num_wrong(self) -> int:
        """Return how many files have errors."""
        return sum(item.is_wrong for item in self.files)

    @property
    def contradictions(self) -> Contradictions:
        """Return the findings by file."""
        files = {item.path: item.findings for item in self.files if item.findings}
        return Contradictions(files, sum(item.annotation_path is not None for item in self.files))

    def reprojection_percentiles(self) -> dict[str, float]:
        """Return median, 95th percentile and maximum over all objects, pixels."""
        values = np.array([value for item in self.files for value in item.reprojection_px])
        values = values[np.isfinite(values)]
        found = np.percentile(values, PERCENTILES) if len(values) else [np.nan] * len(PERCENTILES)
        return {str(name): float(value) for name, value in zip(PERCENTILES, found, strict=True)}

    def summary(self) -> list[tuple[str, str, str, str]]:
        """Return severity, number of files, what is found, and where, for each kind of finding."""
        rows = []
        errors: dict[str, list[str]] = {}
        for item in self.files:
            for text in item.errors:
                errors.setdefault(text, []).append(item.path)
        for text, paths in errors.items():
            rows.append(('error', str(len(paths)), text, paths[0]))
        for items in self.contradictions.kinds():
            count, worst, place = summarise_kind(items)
            rows.append(('error' if worst.is_used else 'note', str(count), str(worst), place))
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; files without findings are counted only."""
        return {
            'root': self.root,
            'num_files': len(self.files),
            'num_wrong': self.num_wrong,
            'convention': self.contradictions.convention(),
            'reprojection_px': self.reprojection_percentiles(),
            'files': [
                {
                    'path': item.path,
                    'is_wrong': item.is_wrong,
                    'errors': list(item.errors),
                    'findings': [asdict(finding) for finding in item.findings],
                }
                for item in self.files
                if item.errors or item.findings
            ],
        }


def check_folder(root: str, convention: Convention | None = None) -> Iterator[CheckedFile]:
    """Read all images and annotations of a folder and compare the fields of each.

    Args:
        root: Folder, searched with its sub-folders.
        convention: How the files are known to be written, see `apply_convention`.

    Yields:
        One for each image, and for each annotation without an image.

    Raises:
        DataError: If the folder does not exist or holds no image.
        ConfigError: If there is no such convention.
    """
    check_convention(convention or {})
    found = scan_folder(root)
    for path in found.lonely_annotations:
        yield CheckedFile(path, path, errors=('annotation without an image',))
    search = ContradictionSearch()
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(found.images), BATCH):
            images = found.images[start : start + BATCH]
            read = list(pool.map(partial(_read, root, convention=convention), images))
            findings = search.find([annotation for annotation, _ in read])
            for image, (annotation, errors), items in zip(images, read, findings, strict=True):
                yield CheckedFile(
                    path=image.path,
                    annotation_path=image.annotation_path,
                    findings=tuple(items),
                    errors=errors,
                    reprojection_px=_reprojection(annotation),
                )


def count_files(root: str) -> int:
    """Return how many items `check_folder` yields."""
    found = scan_folder(root)
    return len(found.images) + len(found.lonely_annotations)


def _read(
    root: str, image: ImageFile, convention: Convention | None
) -> tuple[Annotation | None, tuple[str, ...]]:
    """Return the annotation, None if it cannot be used, and what is wrong with either file."""
    errors = []
    annotation = size = None
    if image.annotation_path is None:
        errors.append('image without an annotation')
    else:
        try:
            path = os.path.join(root, image.annotation_path)
            annotation = read_annotation(path, convention)
        except DataError as error:
            errors.append(str(error).removeprefix(path).removeprefix(': '))
    try:
        wanted = None if annotation is None else annotation.image_wh
        height, width = read_image(os.path.join(root, image.path), wanted).shape[:2]
        size = (width, height)
    except DataError as error:
        errors.append(f'image {error.problem}')
    if annotation and size and annotation.image_wh != size:
        errors.append(
            f'camera_data says {annotation.image_wh[0]}×{annotation.image_wh[1]} pixels, the image '
            f'has {size[0]}×{size[1]}'
        )
    return annotation, tuple(errors)


def _reprojection(annotation: Annotation | None) -> tuple[float, ...]:
    if annotation is None or not len(annotation.fields):
        return ()
    return tuple(measure_reprojection(pose_objects([annotation.fields])).tolist())
