"""Pictures as files."""

from pathlib import Path

import cv2
import numpy as np

from cpose.errors import OutputError


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a picture in the format of the file's ending; missing folders are created.

    Args:
        path: A name that ends in ``.png``, ``.jpg`` or ``.jpeg``.
        picture: (H, W, 3) uint8, BGR.

    Raises:
        OutputError: If the file cannot be written.
    """
    _, content = cv2.imencode(path.suffix, picture)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise OutputError(
            f'{path} cannot be written: {error.strerror}. Choose another output folder.'
        ) from error
