"""Images for inference: files, folders, globs, arrays, videos and cameras, read one by one."""

import glob
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cpose.apis.inference.camera_io import read_camera_beside
from cpose.apis.inference.video_frames import (
    VIDEO_EXTENSIONS,
    count_frames,
    is_live,
    is_video,
    live_name,
    public_name,
    read_frames,
)
from cpose.datasets.annotations.file_index import (
    IMAGE_EXTENSIONS,
    UNREAD_EXTENSIONS,
    is_results_folder,
)
from cpose.datasets.image_reading import read_image, read_photo
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.files.frame_names import list_videos, split_frame_name
from cpose.files.text_files import check_ends
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


FRAMES_NAME = 'frames'
"""Of the video of a folder's numbered images that have no other name."""
ENDINGS = IMAGE_EXTENSIONS + VIDEO_EXTENSIONS

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


def read_images(
    inputs: ImageInput, on_error: ErrorHandler | None = None, fps: float | None = None
) -> Iterator[SourceImage]:
    """Read images one after the other, each when it is asked for.

    Args:
        inputs: An image or video file, a folder (with its sub-folders), a glob pattern,
            ``webcam:0``, the address of a stream (``rtsp://…``, ``http://…``), an array (H, W, 3)
            BGR uint8, a `SourceImage` such as a frame with its time, or any iterable of these.
        on_error: Called with the error of an image that cannot be read, which is then left out;
            with None the error is raised.
        fps: Frames per second, above 0, of images that are numbered alike; they are then the frames
            of videos, in the order of their numbers, but for what comes from a generator. None
            takes them as single images.

    Raises:
        DataError: If an input does not exist, is empty or cannot be read.
    """
    names = OutputNames()
    items, frames = _flatten(inputs), {}
    if fps is not None and isinstance(inputs, str | Path | list | tuple):
        known = list(items)
        frames = find_numbered_frames(known, fps, names)
        items = iter(_frames_together(known, frames))
    for number, (item, name) in enumerate(items):
        try:
            for image in _read_item(item, name, number, names):
                frame = frames.get(item) if isinstance(item, str) else None
                yield image if frame is None else replace(image, frame=frame)
        except DataError as error:
            if on_error is None:
                raise
            on_error(error)


def find_numbered_frames(
    items: Iterable[tuple[Any, str]], fps: float, names: OutputNames
) -> dict[str, VideoFrame]:
    """Return which images are frames of videos, by path: those that are numbered alike.

    Args:
        items: Paths and output names; arrays are none.
        fps: Frames per second.
        names: Gives the videos their names.
    """
    images = [(path, name) for path, name in items if isinstance(path, str) and not _moves(path)]
    files = [name + os.path.splitext(path)[1] for path, name in images]
    found = {}
    for video, places in list_videos(files).items():
        numbers = [split_frame_name(files[place]).number for place in places]
        if len(places) < 2 or numbers[0] < 0:
            continue
        title = names.claim(video if video != '.' else FRAMES_NAME)
        for place, number in zip(places, numbers, strict=True):
            seconds = (number - numbers[0]) / fps
            found[images[place][0]] = VideoFrame(title, number, seconds, fps)
    return found


def _moves(path: str) -> bool:
    return is_live(path) or is_video(path)


def _frames_together(
    items: Sequence[tuple[Any, str]], frames: Mapping[str, VideoFrame]
) -> list[tuple[Any, str]]:
    """Return items in their order, but the frames of a video one after another at its first one."""
    first: dict[str, int] = {}

    def key(place: int) -> tuple[int, int]:
        item = items[place][0]
        frame = frames.get(item) if isinstance(item, str) else None
        return (place, 0) if frame is None else (first.setdefault(frame.video, place), frame.number)

    return [items[place] for place in sorted(range(len(items)), key=key)]


def count_images(inputs: Iterable[str | Path]) -> int | None:
    """Return how many images paths stand for, None where that is unknown (cameras, streams).

    Raises:
        DataError: If a path does not exist or holds no image.
    """
    total = 0
    for item, _ in _flatten(inputs):
        if isinstance(item, str) and is_live(item):
            return None
        total += count_frames(item) if isinstance(item, str) and is_video(item) else 1
    return total


def _flatten(inputs: ImageInput) -> Iterator[tuple[Any, str]]:
    """Yield files, cameras, arrays and images, each with its wished output name."""
    if isinstance(inputs, np.ndarray):
        yield inputs, ''
    elif isinstance(inputs, SourceImage):
        yield inputs, inputs.name
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
    if is_live(text):
        yield text, live_name(text)
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
        check_ends(text)
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
            advice='Give an image, a video, a folder, a glob, webcam:0 or the address of a stream',
        )
    fixed = _fixed_part(pattern)
    found: dict[str, str] = {}  # each file once: ** matches its folders too
    for match in matches:
        if _is_among_results(match, fixed):
            continue
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


def _fixed_part(pattern: str) -> Path:
    """Return the folder before the first part of a pattern that is one."""
    parts = itertools.takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts)
    return Path(*parts)


def _is_among_results(path: str, root: Path) -> bool:
    """Tell whether a folder between a path and a folder around it, which counts not, is marked."""
    inside = itertools.takewhile(lambda folder: folder != root, (Path(path), *Path(path).parents))
    return any(_is_left_out(str(folder)) for folder in inside)


def _is_left_out(folder: str) -> bool:
    if not is_results_folder(folder):
        return False
    warnings.warn(f'{folder} is left out: it holds results of cpose.', stacklevel=2)
    return True


def _search_folder(root: str) -> list[tuple[str, str]]:
    """Return the images and videos of a folder and its sub-folders, sorted.

    Hidden ones are left out, and folders with results of an earlier run.
    """
    found, unread = [], []
    for folder, children, files in os.walk(root):
        children[:] = [
            child
            for child in children
            if not child.startswith('.') and not _is_left_out(os.path.join(folder, child))
        ]
        paths = [os.path.join(folder, file) for file in files if file[0] != '.']
        unread += [path for path in paths if path.lower().endswith(UNREAD_EXTENSIONS)]
        found += [path for path in paths if path.lower().endswith(ENDINGS) and os.path.isfile(path)]
    if unread:
        warnings.warn(
            f'{root}: {len(unread)} files are left out, as their format is not read: {unread[0]} '
            'for example. Convert them to JPEG or PNG.',
            stacklevel=2,
        )
    return [
        (path, Path(path).relative_to(root).with_suffix('').as_posix()) for path in sorted(found)
    ]


def _endings() -> str:
    return ' '.join(ending[1:] for ending in ENDINGS)


def _read_item(
    item: str | np.ndarray | SourceImage, name: str, number: int, names: OutputNames
) -> Iterator[SourceImage]:
    if isinstance(item, SourceImage):
        _check_array(item.image, number)
        yield replace(item, name=names.claim(name))
    elif isinstance(item, np.ndarray):
        _check_array(item, number)
        name = names.claim(f'image_{number:06d}')
        yield SourceImage(name, name, item)
    elif is_live(item) or is_video(item):
        for frame, image in read_frames(item, names.claim(name)):
            frame_name = names.claim(f'{frame.video}/{frame.number:06d}')
            path = f'{public_name(item)}#{frame.number}'
            yield SourceImage(frame_name, path, image, frame)
    else:
        image = _read_upright(item)
        yield SourceImage(names.claim(name, os.path.splitext(item)[1]), item, image)


def _read_upright(path: str) -> np.ndarray:
    """Read an image; as it is stored where the annotation beside it belongs to stored pixels."""
    photo = read_photo(path)
    if photo.header.is_turned_by_quarter:
        camera = read_camera_beside(path)
        if camera is not None and camera.image_wh != photo.image_wh:
            return read_image(path, camera.image_wh)
    return photo.image


def _check_array(image: np.ndarray, number: int) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise DataError(
            f'is array number {number} of shape {image.shape} and type {image.dtype}, expected '
            '(height, width, 3) uint8',
            argument='inputs',
            advice='Give pixels with the channels blue, green, red',
        )
