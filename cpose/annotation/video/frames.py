"""Frames of a video: the sharpest of each group, blurred ones, pictures in a folder, a report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cpose.apis.inference.image_sources import SourceImage
from cpose.files.atomic import write_atomic, write_text_atomic

JPEG_QUALITY = 95
MEASURED_SIDE = 960
"""Pixels of the longer side at which sharpness is measured: noise of the sensor is none."""
NEIGHBOURS = 15
"""Frames before and after one that its sharpness is compared with."""
BLURRED = 0.4
"""Sharpness below which a frame is blurred, medians of its neighbours."""
REPORT = 'frames.csv'


@dataclass(frozen=True)
class FrameNote:
    """A line of the report.

    Attributes:
        number: Of the frame in the video, from 0.
        reason: Why it is left out, empty if it is not.
        sharpness: See `sharpness_of`.
        residual_px: RMS distance of the corners of the board, pixels; NaN without one.
    """

    number: int
    reason: str = ''
    sharpness: float = float('nan')
    residual_px: float = float('nan')


def frame_name(number: int) -> str:
    """Return the name of a frame's files."""
    return f'{number:06d}'


def sharpness_of(image: np.ndarray) -> float:
    """Return the variance of the Laplacian of an image (H, W, 3), grey levels squared."""
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    scale = MEASURED_SIDE / max(gray.shape)
    if scale < 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(gray, cv2.CV_32F).var())


def sharpest(images: Iterable[SourceImage], every: int) -> Iterator[tuple[SourceImage, float]]:
    """Yield the sharpest of each ``every`` images in turn, with its sharpness."""
    best: tuple[SourceImage, float] | None = None
    for place, image in enumerate(images):
        if place % every == 0 and best is not None:
            yield best
            best = None
        found = sharpness_of(image.image)
        if best is None or found > best[1]:
            best = (image, found)
    if best is not None:
        yield best


def note_sharpness(found: Iterable[tuple[int, float]]) -> list[FrameNote]:
    """Return a note on each frame, given its number and its sharpness: whether it is blurred."""
    pairs = list(found)
    blurred = find_blurred([sharpness for _, sharpness in pairs])
    return [
        FrameNote(number, 'blurred' if is_blurred else '', sharpness)
        for (number, sharpness), is_blurred in zip(pairs, blurred, strict=True)
    ]


def find_blurred(sharpness: Sequence[float]) -> list[bool]:
    """Tell which frames are blurred, by the sharpness of all in turn."""
    values = np.asarray(sharpness)
    medians = [
        np.median(values[max(place - NEIGHBOURS, 0) : place + NEIGHBOURS + 1])
        for place in range(len(values))
    ]
    return [bool(value < BLURRED * middle) for value, middle in zip(values, medians, strict=True)]


def number_of(image: SourceImage) -> int:
    """Return the number of a frame."""
    assert image.frame is not None
    return image.frame.number


def write_frames(images: Iterable[SourceImage], wanted: Mapping[int, str], folder: Path) -> None:
    """Write frames as JPEG pictures.

    Args:
        images: All frames.
        wanted: Names without ending, by number of the frame.
        folder: Where to.

    Raises:
        OutputError: If one cannot be written.
    """
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    for image in images:
        name = wanted.get(number_of(image))
        if name is not None:
            content = cv2.imencode('.jpg', image.image, quality)[1].tobytes()
            write_atomic(folder / f'{name}.jpg', content, is_durable=False)


def write_report(path: Path, notes: Iterable[FrameNote]) -> None:
    """Write which frames are left out and why, as a table.

    Raises:
        OutputError: If it cannot be written.
    """
    lines = ['frame,used,reason,sharpness,board_residual_px']
    for note in sorted(notes, key=lambda note: note.number):
        numbers = (_number(value) for value in (note.sharpness, note.residual_px))
        used = 'no' if note.reason else 'yes'
        lines.append(','.join([str(note.number), used, note.reason, *numbers]))
    write_text_atomic(path, '\n'.join([*lines, '']))


def _number(value: float) -> str:
    return '' if np.isnan(value) else f'{value:.3g}'
