"""The one reader of pictures: decode a file, or tell why that cannot be."""

import os
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError
from cpose.files.image_header import (
    JPEG_END,
    JPEG_START,
    PROGRESSIVE,
    RESTART_INTERVAL,
    START_OF_SCAN,
    TIFF,
    ImageHeader,
    jpeg_segments,
    read_image_header,
)
from cpose.files.text_files import read_bytes

AGAIN = ('Copy it again', 'Remove it')
FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""How OpenCV flips pixels by their EXIF orientation, those from 5 on after exchanging the axes."""
BACK = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
"""The orientation that undoes one."""
LIMIT_VARIABLE = 'CPOSE_MAX_IMAGE_PIXELS'
DEFAULT_LIMIT = 80_000_000
"""Pixels of the largest picture that is decoded; it takes 0.3 to 0.9 GB."""
MOST_BYTES_PER_PIXEL = 8
"""Of a file: four channels of 16 bits."""
SPARE_BYTES = 1 << 20
MOST_SCANS = 200
"""Of a progressive JPEG; each takes a pass over all pixels."""
TAIL = bytes(range(1, 255)) * 16
"""Stands for lost data of a JPEG: what is decoded from it differs from what its absence gives."""


@dataclass(frozen=True)
class Photo:
    """A decoded picture.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        header: What the file says; its orientation is 1 where there is none.
    """

    image: np.ndarray
    header: ImageHeader

    @property
    def image_wh(self) -> tuple[int, int]:
        """Width and height of the decoded picture."""
        return self.image.shape[1], self.image.shape[0]


def read_image(path: str, image_wh: tuple[int, int] | None = None) -> np.ndarray:
    """Read a picture as (H, W, 3) uint8 BGR, see `read_photo`."""
    return read_photo(path, image_wh).image


def read_photo(
    path: str, image_wh: tuple[int, int] | None = None, follow_exif: bool = True
) -> Photo:
    """Read a picture, turned upright as its EXIF tag says.

    Samples of 16 bits are brought to 8 by the bits that the brightest one needs, in steps of two:
    values up to 4095, of a camera with 12 bits, become values up to 255.

    Args:
        path: The file; its content tells the format, not its name.
        image_wh: Width and height by its annotation. A picture whose stored pixels have this size,
            but not its upright ones, is not turned: the annotation was made without the tag.
        follow_exif: False never turns.

    Raises:
        DataError: If the file is missing, empty, truncated, not an image, of a kind that is not
            read, or larger than the environment variable ``CPOSE_MAX_IMAGE_PIXELS`` allows.
        ConfigError: If that variable is no number.
    """
    limit = image_limit()
    content = read_image_file(path)
    if not content:
        raise DataError('is empty', place=FilePlace(path), advice=AGAIN)
    header = read_image_header(content)
    if header is None:
        raise _damaged(path, f'({len(content)} bytes)', 'it is truncated or not an image')
    _check_header(path, header, limit)
    is_turned = follow_exif and not _is_annotated_stored(header, image_wh)
    return Photo(_decode(path, content, header, is_turned), header)


def read_image_file(path: str) -> bytes:
    """Return the bytes of a picture.

    Raises:
        DataError: If the file cannot be read, or is longer than a picture may be.
        ConfigError: If the environment variable ``CPOSE_MAX_IMAGE_PIXELS`` is no number.
    """
    return read_bytes(path, image_limit() * MOST_BYTES_PER_PIXEL + SPARE_BYTES)


def _is_annotated_stored(header: ImageHeader, image_wh: tuple[int, int] | None) -> bool:
    """Tell whether an annotation's size is that of the stored pixels, and of no others."""
    width, height = header.image_wh
    return header.is_turned_by_quarter and image_wh == (width, height) and width != height


def image_limit() -> int:
    """Return how many pixels a picture may have, from ``CPOSE_MAX_IMAGE_PIXELS`` if it is set.

    Raises:
        ConfigError: If it is no whole number above 0.
    """
    return _parse_limit(os.environ.get(LIMIT_VARIABLE, ''))


@cache
def _parse_limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not (text.isdecimal() and 0 < len(text) < 12 and int(text)):
        raise ConfigError(
            'must be a number of pixels',
            argument=LIMIT_VARIABLE,
            value=text,
            advice=f'Set this environment variable to a whole number such as {DEFAULT_LIMIT}',
        )
    return int(text)


def check_image_size(path: str, image_wh: tuple[int, int]) -> None:
    """Refuse a picture, or the frames of a video, that are too large to be decoded.

    Raises:
        DataError: If they have more pixels than `image_limit`.
    """
    width, height = image_wh
    limit = image_limit()
    if width * height > limit:
        raise DataError(
            f'has {width}×{height} pixels, more than {limit:,}',
            place=FilePlace(path),
            advice=(
                'Make it smaller',
                f'Allow more pixels with the environment variable {LIMIT_VARIABLE}',
            ),
        )


def _check_header(path: str, header: ImageHeader, limit: int) -> None:
    if header.problem:
        raise DataError(
            f'cannot be read: {header.problem}',
            place=FilePlace(path),
            advice=('Convert it to JPEG or PNG', 'Remove it'),
        )
    check_image_size(path, header.image_wh)


def _decode(path: str, content: bytes, header: ImageHeader, is_turned: bool) -> np.ndarray:
    if content.startswith(JPEG_START):
        content = _complete_jpeg(path, content)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    if header.bits > 8:
        flags |= cv2.IMREAD_ANYDEPTH
    width, height = header.image_wh
    what = f'({header.format} of {width}×{height} pixels, {len(content)} bytes)'
    try:
        image = _imdecode(content, flags)
    except (cv2.error, MemoryError) as error:
        reason = ' '.join(str(getattr(error, 'err', '') or error).split()) or 'no memory is left'
        raise _damaged(path, what, reason) from error
    if image is None:
        raise _damaged(path, what, 'it is truncated, damaged or of a rare kind')
    image = _to_8_bits(image) if image.dtype == np.uint16 else image
    was_turned = header.format == TIFF  # by the decoder, whatever the flags say
    if is_turned == was_turned:
        return image
    return _turn(image, header.orientation if is_turned else BACK[header.orientation])


def _turn(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn stored pixels as EXIF says."""
    if orientation >= 5:
        image = cv2.transpose(image)
    return image if orientation not in FLIPS else cv2.flip(image, FLIPS[orientation])


def _damaged(path: str, what: str, reason: str) -> DataError:
    return DataError(f'{what} cannot be decoded: {reason}', place=FilePlace(path), advice=AGAIN)


def _to_8_bits(image: np.ndarray) -> np.ndarray:
    """Keep the upper 8 of the bits that are used."""
    used = int(image.max()).bit_length()
    bits = max(used + used % 2, 8)
    if bits < 16:
        _tell_depth(bits)
    np.right_shift(image, bits - 8, out=image)
    return image.astype(np.uint8)


@cache
def _tell_depth(bits: int) -> None:
    """Say once in a process how bright pictures were taken."""
    warnings.warn(
        f'Pictures of 16 bits per sample use {bits} of them: the brightest value counts as '
        f'{2**bits - 1}.',
        stacklevel=2,
    )


def _complete_jpeg(path: str, content: bytes) -> bytes:
    """Return a JPEG with its end marker; some decoders fill what is missing without a word.

    Without the marker the data are whole if more of them would change nothing. That cannot be seen
    in progressive JPEGs and in those of several intervals.

    Raises:
        DataError: If it is cut off.
    """
    segments = list(jpeg_segments(content))
    markers = {marker for marker, _, _ in segments}
    if not markers.isdisjoint(PROGRESSIVE) and content.count(b'\xff\xda') > MOST_SCANS:
        raise _damaged(path, '(JPEG)', f'it has more than {MOST_SCANS} scans')
    if START_OF_SCAN not in markers or content.find(JPEG_END, segments[-1][2]) >= 0:
        return content
    whole = content.rstrip(b'\xff') + JPEG_END
    is_plain = markers.isdisjoint((*PROGRESSIVE, RESTART_INTERVAL))
    if not (is_plain and _is_same(whole, content + TAIL + JPEG_END)):
        raise _damaged(path, f'(JPEG, {len(content)} bytes)', 'it is truncated: its end is missing')
    return whole


def _is_same(first: bytes, second: bytes) -> bool:
    """Tell whether two JPEGs decode to the same pixels."""
    images = [_imdecode(data, cv2.IMREAD_COLOR) for data in (first, second)]
    return images[0] is not None and np.array_equal(images[0], images[1])


def _imdecode(content: bytes, flags: int) -> Any:
    return cv2.imdecode(np.frombuffer(content, dtype=np.uint8), flags)
