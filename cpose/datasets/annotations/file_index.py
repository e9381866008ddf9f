"""Find the images and annotation files of a folder.

An image and the JSON file of the same stem in the same folder belong together.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cpose.error_places import FilePlace
from cpose.errors import DataError, unreadable
from cpose.files.outputs import is_own_file, is_run_folder
from cpose.files.text_files import read_text

IMAGE_EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')
ANNOTATION_EXTENSION = '.json'
UNREAD_EXTENSIONS = (
    *('.heic', '.heif', '.avif', '.jxl', '.jp2', '.gif', '.exr', '.psd', '.pdf', '.svg'),
    *('.raw', '.dng', '.cr2', '.cr3', '.nef', '.arw', '.orf', '.rw2'),
)
"""Pictures that are not searched for; a message tells that they are left out."""
RESULTS_MARK = '.cpose_results'
"""Hidden file in a folder that holds results only: its pictures and JSON files are no data."""


def is_results_folder(folder: str) -> bool:
    """Tell whether a folder was marked by `cpose.apis.inference.result_writer.ResultWriter`."""
    return os.path.isfile(os.path.join(folder, RESULTS_MARK))


class ImageFile(NamedTuple):
    """An image and its annotation file.

    Attributes:
        path: Relative to the folder searched.
        annotation_path: Relative path of the JSON file, None without one.
        key: What tells two versions apart: size in bytes and time of change in ns of the image,
            then of the JSON file (−1 without one).
    """

    path: str
    annotation_path: str | None
    key: tuple[int, int, int, int]


@dataclass
class FolderFiles:
    """All files of a folder and its sub-folders.

    Attributes:
        images: Sorted by path.
        lonely_annotations: Relative paths of JSON files without an image, sorted.
        unread: File beside a lonely annotation that is a picture of a format that is not read.
    """

    images: list[ImageFile] = field(default_factory=list)
    lonely_annotations: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


def scan_folder(root: str) -> FolderFiles:
    """Search a folder and all its sub-folders.

    Hidden files and folders are left out, and sub-folders with results of `cpose infer` or of a
    training.

    Raises:
        DataError: If the folder does not exist, cannot be read or holds no image.
    """
    if not os.path.isdir(root):
        raise DataError(
            'is not a folder',
            argument='data_root',
            value=root,
            advice='Give the folder that holds the images and their JSON files',
        )
    found = FolderFiles()
    _scan(root, '', found, set())
    if not found.images:
        extensions = ' '.join(extension[1:] for extension in IMAGE_EXTENSIONS)
        raise DataError(
            f'and its sub-folders hold no image ({extensions}, in any case)',
            argument='data_root',
            value=root,
            advice='Archives must be extracted first',
        )
    found.images.sort(key=lambda image: image.path)
    found.lonely_annotations.sort()
    return found


def read_image_list(path: str) -> dict[str, int]:
    """Return the images that a text file names, with the number of their line.

    One path a line, relative to the data folder; empty lines and those that begin with # do not
    count.

    Raises:
        DataError: If it cannot be read or names no image.
    """
    lines = enumerate(read_text(path).splitlines(), 1)
    found = {
        os.path.normpath(line.strip()): number
        for number, line in lines
        if line.strip() and not line.startswith('#')
    }
    if not found:
        raise DataError(
            'names no image',
            place=FilePlace(path),
            advice='Write one path a line, relative to {data_root}',
        )
    return found


def _scan(root: str, below: str, found: FolderFiles, visited: set[tuple[int, int]]) -> None:
    folder = os.path.join(root, below)
    try:
        status = os.stat(folder)
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith('.')]
    except OSError as error:
        raise unreadable(folder, error, advice='Check its rights') from error
    if (status.st_dev, status.st_ino) in visited:
        return
    visited.add((status.st_dev, status.st_ino))
    images: list[tuple[str, os.DirEntry[str]]] = []
    annotations: dict[str, os.DirEntry[str]] = {}
    for entry in visible:
        stem, extension = os.path.splitext(entry.name)
        extension = extension.lower()
        if extension in IMAGE_EXTENSIONS and entry.is_file():
            images.append((stem, entry))
        elif extension == ANNOTATION_EXTENSION and entry.is_file():
            annotations[stem] = entry
        elif entry.is_dir() and not (is_results_folder(entry.path) or is_run_folder(entry.path)):
            _scan(root, os.path.join(below, entry.name), found, visited)
    for stem, entry in images:
        found.images.append(_image_file(below, entry, annotations.get(stem)))
    for stem, _ in images:
        annotations.pop(stem, None)
    _note_lonely(below, annotations, visible, found)


def _note_lonely(
    below: str,
    annotations: Mapping[str, os.DirEntry[str]],
    entries: Sequence[os.DirEntry[str]],
    found: FolderFiles,
) -> None:
    """Note annotations without an image, and the pictures of other formats beside them.

    Reports, predictions and other files that this project wrote are none.
    """
    if not annotations:
        return
    names = (os.path.splitext(entry.name) for entry in entries)
    unread = {stem: stem + end for stem, end in names if end.lower() in UNREAD_EXTENSIONS}
    for stem, entry in annotations.items():
        if entry.stat().st_size and is_own_file(entry.path):
            continue
        path = os.path.join(below, entry.name)
        found.lonely_annotations.append(path)
        if stem in unread:
            found.unread[path] = unread[stem]


def _image_file(
    below: str, image: os.DirEntry[str], annotation: os.DirEntry[str] | None
) -> ImageFile:
    status, path = image.stat(), os.path.join(below, image.name)
    if annotation is None:
        return ImageFile(path, None, (status.st_size, status.st_mtime_ns, -1, -1))
    other = annotation.stat()
    key = (status.st_size, status.st_mtime_ns, other.st_size, other.st_mtime_ns)
    return ImageFile(path, os.path.join(below, annotation.name), key)
