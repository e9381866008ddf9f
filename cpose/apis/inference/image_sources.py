"""Images for inference: files, folders, globs, arrays, videos and cameras, read one by one."""

import glob
import itertools
import os
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cpose.datasets.annotations.file_index import IMAGE_EXTENSIONS
from cpose.datasets.image_reading import read_image
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.structures.object_pose import VideoFrame


class OutputNames:
    """Hand out names; a name that is taken is changed, also where only its case differs."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, name: str, extension: str = '') -> str:
        """Return ``name`` or, if that is taken, ``name_png``, ``name_2``, ``name_3``, ...

        Args:
            name: Wished name, with ``/`` between folders.
            extension: Ending of the input, which tells two inputs of one name apart.
        """
        candidate, number = name, 1
        if extension and candidate.casefold() in self._taken:
            candidate = f'{name}_{extension[1:].lower()}'
        while candidate.casefold() in self._taken:
            number += 1
            candidate = f'{name}_{number}'
        self._taken.add(candidate.casefold())
        return candidate


VIDEO_EXTENSIONS = ('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v')
ENDINGS = IMAGE_EXTENSIONS + VIDEO_EXTENSIONS
WEBCAM = re.compile(r'webcam(?::(\d{1,9}))?')
DEFAULT_FPS = 25.0
COUNT_TOLERANCE = 1
"""Frames by which a header may be wrong: some formats hold only the duration."""

ImageInput = str | Path | np.ndarray | Iterable[Any]
ErrorHandler = Callable[[DataError], None]


@dataclass(frozen=True)
class SourceImage:
    """One image to be worked on.

    Attributes:
        name: Output name without extension, unique among all inputs; ``/`` between folders.
        path: File; for frames and arrays a text that tells which.
        image: (H, W, 3), BGR uint8.
        frame: Its place in a video, None for single images.
    """

    name: str
    path: str
    image: np.ndarray = field(repr=False)
    frame: VideoFrame | None = None

    @property
    def image_wh(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.image.shape[1], self.image.shape[0]


def read_images(inputs: ImageInput, on_error: ErrorHandler | None = None) -> Iterator[SourceImage]:
    """Read images one after the other, each when it is asked for.

    Args:
        inputs: An image or video file, a folder (with its sub-folders), a glob pattern,
            ``webcam:0``, an array (H, W, 3) BGR uint8, or any iterable of these.
        on_error: Called with the error of an image that cannot be read, which is then left out;
            with None the error is raised.

    Raises:
        DataError: If an input does not exist, is empty or cannot be read.
    """
    names = OutputNames()
    for number, (item, name) in enumerate(_flatten(inputs)):
        try:
            yield from _read_item(item, name, number, names)
        except DataError as error:
            if on_error is None:
                raise
            on_error(error)


def count_images(inputs: Iterable[str | Path]) -> int | None:
    """Return how many images paths stand for, None where that is unknown (cameras).

    Raises:
        DataError: If a path does not exist or holds no image.
    """
    total = 0
    for item, _ in _flatten(inputs):
        if isinstance(item, str) and WEBCAM.fullmatch(item):
            return None
        if isinstance(item, str) and is_video(item):
            capture = cv2.VideoCapture(item)
            total += max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
            capture.release()
        else:
            total += 1
    return total


def is_video(path: str) -> bool:
    """Tell by its ending whether a file is a video."""
    return path.lower().endswith(VIDEO_EXTENSIONS)


def _flatten(inputs: ImageInput) -> Iterator[tuple[str | np.ndarray, str]]:
    """Yield files, cameras and arrays, each with its wished output name."""
    if isinstance(inputs, np.ndarray):
        yield inputs, ''
    elif isinstance(inputs, str | Path):
        yield from _find_files(str(inputs))
    elif isinstance(inputs, Iterable):
        for item in inputs:
            yield from _flatten(item)
    else:
        raise DataError(
            f'has an entry of type {type(inputs).__name__}',
            argument='inputs',
            advice='Give a path, an array (H, W, 3) or an iterable of these',
        )


def _find_files(text: str) -> Iterator[tuple[str, str]]:
    webcam = WEBCAM.fullmatch(text)
    if webcam:
        yield text, f'webcam_{webcam[1] or 0}'
    elif os.path.isdir(text):
        found = _search_folder(text)
        if not found:
            raise DataError(
                f'and its sub-folders hold no image or video ({_endings()})',
                argument='inputs',
                place=FilePlace(text),
                advice='Give another folder',
            )
        yield from found
    elif os.path.exists(text):
        yield text, Path(text).stem
    else:
        yield from _search_glob(text)


def _search_glob(pattern: str) -> list[tuple[str, str]]:
    """Return the images and videos among the files and folders that a pattern matches."""
    matches = sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else []
    if not matches:
        raise DataError(
            'does not exist',
            argument='inputs',
            place=FilePlace(pattern),
            advice='Give an image, a video, a folder or a glob',
        )
    found: dict[str, str] = {}  # each file once: ** matches its folders too
    for match in matches:
        if os.path.isdir(match):
            for path, name in _search_folder(match):
                found.setdefault(path, name)
        elif match.lower().endswith(ENDINGS):
            found.setdefault(match, Path(match).stem)
    if not found:
        raise DataError(
            f'matches no image or video ({_endings()})',
            argument='inputs',
            place=FilePlace(pattern),
            advice='Give another pattern',
        )
    return list(found.items())


def _search_folder(root: str) -> list[tuple[str, str]]:
    """Return the images and videos of a folder and its sub-folders, sorted, without hidden ones."""
    found = []
    for folder, children, files in os.walk(root):
        children[:] = [child for child in children if not child.startswith('.')]
        found += [
            os.path.join(folder, file)
            for file in files
            if file.lower().endswith(ENDINGS) and file[0] != '.'
        ]
    return [
        (path, Path(path).relative_to(root).with_suffix('').as_posix()) for path in sorted(found)
    ]


def _endings() -> str:
    return ' '.join(ending[1:] for ending in ENDINGS)


def _read_item(
    item: str | np.ndarray, name: str, number: int, names: OutputNames
) -> Iterator[SourceImage]:
    if isinstance(item, np.ndarray):
        _check_array(item, number)
        name = names.claim(f'image_{number:06d}')
        yield SourceImage(name, name, item)
    elif WEBCAM.fullmatch(item) or is_video(item):
        yield from _read_frames(item, names.claim(name), names)
    else:
        image = read_image(item)
        yield SourceImage(names.claim(name, os.path.splitext(item)[1]), item, image)


def _check_array(image: np.ndarray, number: int) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise DataError(
            f'is array number {number} of shape {image.shape} and type {image.dtype}, expected '
            '(height, width, 3) uint8',
            argument='inputs',
            advice='Give pixels with the channels blue, green, red',
        )


def _read_frames(path: str, name: str, names: OutputNames) -> Iterator[SourceImage]:
    webcam = WEBCAM.fullmatch(path)
    capture = cv2.VideoCapture(int(webcam[1] or 0) if webcam else path)
    try:
        fps = capture.get(cv2.CAP_PROP_FPS)
        fps = fps if np.isfinite(fps) and fps > 0 else DEFAULT_FPS
        start = time.monotonic()
        for number in itertools.count():
            success, image = capture.read()
            if not success:
                break
            seconds = time.monotonic() - start if webcam else number / fps
            frame = VideoFrame(name, number, seconds, fps)
            frame_name = names.claim(f'{name}/{number:06d}')
            yield SourceImage(frame_name, f'{path}#{number}', image, frame)
        if number == 0:
            raise DataError(
                'gives no frame: '
                + (
                    'there is no such camera' if webcam else 'it is empty, truncated or not a video'
                ),
                argument='inputs',
                place=FilePlace(path),
                advice='Give another input',
            )
        promised = 0 if webcam else capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if number < promised - COUNT_TOLERANCE:
            warnings.warn(
                f'{path} ends after {number} of {promised:.0f} frames: it is cut off or damaged. '
                'Copy it again for the rest.',
                stacklevel=2,
            )
    finally:
        capture.release()
