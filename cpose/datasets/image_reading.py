"""Read an image file, and tell why if that fails."""

import cv2
import numpy as np

from cpose.error_places import FilePlace
from cpose.errors import DataError, unreadable

JPEG_START = b'\xff\xd8'
JPEG_END = b'\xff\xd9'
AGAIN = ('Copy it again', 'Remove it')
START_OF_SCAN = 0xDA


def read_image(path: str) -> np.ndarray:
    """Read an image as (height, width, 3) uint8 BGR, turned as its EXIF tag says.

    Raises:
        DataError: If the file is missing, empty, truncated or not an image.
    """
    try:
        content = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise unreadable(path, error) from error
    if not content.size:
        raise DataError('is empty', place=FilePlace(path), advice=AGAIN)
    image = None if _is_truncated_jpeg(content) else cv2.imdecode(content, cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(
            f'({content.size} bytes) cannot be decoded: it is truncated or not an image',
            place=FilePlace(path),
            advice=AGAIN,
        )
    return image


def _is_truncated_jpeg(content: np.ndarray) -> bool:
    """Look for the end of a JPEG; some decoders fill what is missing with grey without a word."""
    if content[:2].tobytes() != JPEG_START:
        return False
    data = content.tobytes()
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == START_OF_SCAN:
            return data.find(JPEG_END, position) < 0
        position += 2 + int.from_bytes(data[position + 2 : position + 4], 'big')
    return False
