"""Check folders of images and annotations file by file, then as a whole."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from cpose.annotation.checks.issues import (
    ERROR,
    Issue,
    IssueKind,
    count_severities,
    issue_of_finding,
    summarise_issues,
)
from cpose.annotation.checks.plausibility import find_implausible
from cpose.annotation.checks.schema import describe_schema_error, schema_issues
from cpose.annotation.checks.similarity import digest_file, hash_picture
from cpose.annotation.checks.sources import Source, find_source
from cpose.datasets.annotations.annotation import Annotation, parse_annotation
from cpose.datasets.annotations.contradictions import Contradictions, ContradictionSearch
from cpose.datasets.annotations.file_index import ImageFile, scan_folder
from cpose.datasets.conventions.consistency import Finding, measure_reprojection, pose_objects
from cpose.datasets.conventions.names import NAMED_FRAMES, frame_matrix
from cpose.datasets.conventions.table import Convention, check_convention
from cpose.datasets.image_reading import Photo, read_photo
from cpose.errors import DataError
from cpose.files.outputs import MARK
from cpose.files.text_files import MOST_BYTES, read_json

BATCH = 64
"""Files that are read side by side before they are compared."""
PERCENTILES = (50, 95, 100)
RELATIVE_HEIGHT = 1e-3
"""A height this close to 1 is taken for the unit of the other extents."""


@dataclass(frozen=True)
class MeasuredObject:
    """Numbers of one object for statistics.

    Attributes:
        class_name: Empty where it has none.
        reprojection_px: Largest distance of a projected 3D point from its annotated pixel, NaN
            where it is unknown.
        size_px: Diagonal of the annotated corners.
        longest: Longest extent, metres unless it is relative.
        is_relative: Whether the extents are in units of the height.
        distance: Of the centre from the camera, in the unit of the 3D points, NaN if unknown.
    """

    class_name: str
    reprojection_px: float
    size_px: float
    longest: float
    is_relative: bool
    distance: float


@dataclass(frozen=True)
class CheckedFile:
    """What is found in an image and its annotation.

    Attributes:
        root: Folder that was checked.
        path: The image, or an annotation without one; relative to the folder.
        annotation_path: Relative to the folder, None without annotation.
        findings: Contradictions in the annotation.
        issues: Everything that is found, contradictions too.
        objects: Numbers of the annotated objects.
        source: Where the picture comes from.
        digest: What only pictures of the same bytes share, empty where there is no picture.
        picture_hash: What nearly equal pictures nearly share, None where there is no picture.
    """

    root: str
    path: str
    annotation_path: str | None = None
    findings: tuple[Finding, ...] = ()
    issues: tuple[Issue, ...] = ()
    objects: tuple[MeasuredObject, ...] = ()
    source: Source = field(default_factory=Source)
    digest: str = ''
    picture_hash: bytes | None = None

    @property
    def errors(self) -> tuple[str, ...]:
        """Return why nothing of the file can be repaired."""
        return tuple(str(item) for item in self.issues if item.is_blocking)

    @property
    def is_wrong(self) -> bool:
        """Whether something is found that decides about training or testing."""
        return any(item.severity == ERROR for item in self.issues)


@dataclass(frozen=True)
class DataCheck:
    """What is found in one or several folders.

    Attributes:
        roots: The folders.
        files: In the order of the folders and of their paths.
        issues: Of the data as a whole.
    """

    roots: tuple[str, ...]
    files: Sequence[CheckedFile] = ()
    issues: tuple[Issue, ...] = ()

    @property
    def num_wrong(self) -> int:
        """Return how many files have errors."""
        return sum(item.is_wrong for item in self.files)

    @cached_property
    def contradictions(self) -> Contradictions:
        """Return the contradictions by file."""
        files = {self.name(item): item.findings for item in self.files if item.findings}
        return Contradictions(files, sum(item.annotation_path is not None for item in self.files))

    def name(self, item: CheckedFile) -> str:
        """Return what a file is called in messages: its path, with several folders theirs too."""
        return item.path if len(self.roots) == 1 else os.path.join(item.root, item.path)

    def reprojection_percentiles(self) -> dict[str, float]:
        """Return median, 95th percentile and maximum over all objects, pixels."""
        values = np.array([each.reprojection_px for item in self.files for each in item.objects])
        values = values[np.isfinite(values)]
        found = np.percentile(values, PERCENTILES) if len(values) else [np.nan] * len(PERCENTILES)
        return {str(name): float(value) for name, value in zip(PERCENTILES, found, strict=True)}

    def kinds(self) -> list[IssueKind]:
        """Return what is found by kind, errors first; what is of the whole data has no file."""
        files = {self.name(item): item.issues for item in self.files if item.issues}
        return summarise_issues({'': self.issues, **files})

    def severities(self) -> dict[str, int]:
        """Return how many issues there are of each severity."""
        return count_severities(
            [*self.issues, *(issue for item in self.files for issue in item.issues)]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; files without issues are counted only."""
        return {
            'origin': f'{MARK.decode()} check-data',
            'roots': list(self.roots),
            'num_files': len(self.files),
            'num_objects': sum(len(item.objects) for item in self.files),
            'num_wrong': self.num_wrong,
            'severities': self.severities(),
            'convention': self.contradictions.convention(),
            'reprojection_px': self.reprojection_percentiles(),
            'issues': [issue.to_dict() for issue in self.issues],
            'files': [
                {
                    'path': self.name(item),
                    'is_wrong': item.is_wrong,
                    'issues': [issue.to_dict() for issue in item.issues],
                    'findings': [asdict(finding) for finding in item.findings],
                }
                for item in self.files
                if item.issues
            ],
        }


def check_folder(
    root: str, convention: Convention | None = None, part: str = ''
) -> Iterator[CheckedFile]:
    """Read all images and annotations of a folder and compare the fields of each.

    Args:
        root: Folder, searched with its sub-folders.
        convention: How the files are known to be written, see `apply_convention`.
        part: What the folder is of the data, where its sub-folders do not tell.

    Yields:
        One for each image, and for each annotation without an image.

    Raises:
        DataError: If the folder does not exist or holds no image.
        ConfigError: If there is no such convention.
    """
    check_convention(convention or {})
    found = scan_folder(root)
    for path in found.lonely_annotations:
        other = found.unread.get(path)
        problem = f'has no image; formats such as that of {other} are not read'
        issue = _blocking('no_image', 'annotation', problem if other else 'has no image')
        yield CheckedFile(root, path, path, issues=(issue,))
    search = ContradictionSearch()
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(found.images), BATCH):
            images = found.images[start : start + BATCH]
            read = list(pool.map(partial(_read, root, convention=convention), images))
            findings = search.find([item.annotation for item in read])
            for image, item, items in zip(images, read, findings, strict=True):
                yield _checked(root, image, item, items, part)


def count_files(root: str) -> int:
    """Return how many items `check_folder` yields."""
    found = scan_folder(root)
    return len(found.images) + len(found.lonely_annotations)


@dataclass
class _ReadPair:
    """An image with its annotation, None for what cannot be read, and why."""

    annotation: Annotation | None = None
    content: Any = None
    issues: list[Issue] = field(default_factory=list)
    photo: Photo | None = None
    digest: str = ''
    picture_hash: bytes | None = None


def _blocking(kind: str, field_name: str, problem: str) -> Issue:
    return Issue(ERROR, kind, field_name, problem, is_blocking=True)


def _read(root: str, image: ImageFile, convention: Convention | None) -> _ReadPair:
    pair = _ReadPair()
    if image.annotation_path is None:
        pair.issues.append(_blocking('no_annotation', 'image', 'has no annotation'))
    else:
        _read_annotation(pair, os.path.join(root, image.annotation_path), convention)
    _read_picture(pair, os.path.join(root, image.path))
    if pair.annotation is not None:
        header = None if pair.photo is None else pair.photo.header
        pair.issues += find_implausible(pair.annotation, pair.content, header)
    pair.photo = None  # only its header was needed
    return pair


def _read_annotation(pair: _ReadPair, path: str, convention: Convention | None) -> None:
    try:
        pair.content = read_json(path, MOST_BYTES)
    except DataError as error:
        pair.issues.append(describe_schema_error(error))
        return
    try:
        pair.annotation = parse_annotation(pair.content, path, convention)
    except DataError as error:
        pair.issues += schema_issues(error, pair.content, path)


def _read_picture(pair: _ReadPair, path: str) -> None:
    """Read the picture as training does, turned unless the annotation is of the stored pixels."""
    wanted = None if pair.annotation is None else pair.annotation.image_wh
    try:
        pair.photo = read_photo(path, wanted)
        pair.digest = digest_file(path, os.path.getsize(path))
    except DataError as error:
        pair.issues.append(_blocking('unreadable_image', 'image', error.problem.rstrip('.')))
        return
    pair.picture_hash = hash_picture(pair.photo.image)
    size = pair.photo.image_wh
    if wanted is not None and wanted != size:
        problem = f'says {wanted[0]}×{wanted[1]} pixels, the image has {size[0]}×{size[1]}'
        pair.issues.append(_blocking('image_size', 'camera_data', problem))


def _checked(
    root: str, image: ImageFile, pair: _ReadPair, findings: Sequence[Finding], part: str
) -> CheckedFile:
    if any(issue.kind == 'behind_camera' for issue in pair.issues):
        findings = _explain_behind(pair, findings)
    contradictions = [issue_of_finding(item) for item in findings]
    return CheckedFile(
        root=root,
        path=image.path,
        annotation_path=image.annotation_path,
        findings=tuple(findings),
        issues=(*pair.issues, *contradictions),
        objects=_measure(pair.annotation),
        source=find_source(image.path, pair.content, part),
        digest=pair.digest,
        picture_hash=pair.picture_hash,
    )


def _explain_behind(pair: _ReadPair, findings: Sequence[Finding]) -> list[Finding]:
    """Decide for objects behind the camera whether another frame explains them.

    A left-handed frame explains any of them, as it mirrors them at the camera; only those that
    have a name are taken for one.
    """
    frames = [item.step[1] for item in findings if item.step and item.step[0] == 'camera_frame']
    if any(name in NAMED_FRAMES or _is_right_handed(name) for name in frames):
        pair.issues = [issue for issue in pair.issues if issue.kind != 'behind_camera']
        return list(findings)
    return [item for item in findings if item.relation in ('scale', 'camera')]


def _is_right_handed(frame: str) -> bool:
    matrix = frame_matrix(frame)
    return matrix is not None and bool(np.linalg.det(matrix) > 0)


def _measure(annotation: Annotation | None) -> tuple[MeasuredObject, ...]:
    if annotation is None or not len(annotation.fields):
        return ()
    fields = annotation.fields
    corners = fields.projected_cuboid[:, 1:]
    return tuple(
        MeasuredObject(name or '', error, size, longest, is_relative, distance)
        for name, error, size, longest, is_relative, distance in zip(
            annotation.class_names,
            measure_reprojection(pose_objects([fields])).tolist(),
            np.linalg.norm(corners.max(axis=1) - corners.min(axis=1), axis=1).tolist(),
            fields.scale.max(axis=1).tolist(),
            (np.abs(fields.scale[:, 1] - 1) < RELATIVE_HEIGHT).tolist(),
            (-annotation.cuboids.keypoints_gl[:, 0, 2]).tolist(),
            strict=True,
        )
    )
