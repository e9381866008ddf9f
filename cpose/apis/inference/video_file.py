"""A video that takes its name when all its frames are in the file."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np

from cpose.apis.inference.video_frames import count_frames
from cpose.error_places import FilePlace
from cpose.errors import OutputError, unwritable
from cpose.files.outputs import MARK, check_replaceable

CODEC = 'mp4v'
BOX_HEADER = 8
LONG_SIZE = 1
"""In the place of the size of a box: it stands in the 8 bytes after the header."""
INDEX_BOX = b'moov'
"""Written last; without it no frame can be found."""
FREE_BOX = b'free'
"""A box that readers skip."""
ADVICE = ('Make room', 'Choose another output folder')


class VideoFile:
    """Write frames to an MP4 file; OpenCV tells of no failure while it writes.

    Args:
        path: The file, ``.mp4``; its folder is made if it is missing.
        fps: Frames per second.
        size_wh: Width and height of all frames, even numbers, pixels.

    Raises:
        OutputError: If it cannot be written, or may not be, see `check_replaceable`.
    """

    def __init__(self, path: Path, fps: float, size_wh: tuple[int, int]) -> None:
        check_replaceable(path)
        self.path = path
        self.size_wh = size_wh
        self._unfinished = path.with_name(f'.{path.stem}.{uuid4().hex[:8]}.unfinished.mp4')
        self._count = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error, ADVICE, 'out') from error
        codec = cv2.VideoWriter.fourcc(*CODEC)
        self._writer = cv2.VideoWriter(str(self._unfinished), codec, fps, size_wh)
        if not self._writer.isOpened():
            self._remove()
            raise OutputError(
                'cannot be written as a video', argument='out', place=FilePlace(path), advice=ADVICE
            )

    def write(self, picture: np.ndarray) -> None:
        """Append a frame, (H, W, 3) uint8, BGR."""
        self._writer.write(picture)
        self._count += 1

    def close(self, is_complete: bool = True) -> None:
        """Complete the file.

        Args:
            is_complete: Whether all frames came; otherwise it is called ``<name>.incomplete.mp4``.

        Raises:
            OutputError: If frames are missing in the file, as on a full disk; it is removed.
        """
        self._writer.release()
        target = self.path if is_complete else self.path.with_suffix('.incomplete.mp4')
        try:
            self._check()
            with self._unfinished.open('ab') as file:
                file.write((BOX_HEADER + len(MARK)).to_bytes(4, 'big') + FREE_BOX + MARK)
            self._unfinished.replace(target)
        except OSError as error:
            self._remove()
            raise unwritable(self.path, error, ADVICE, 'out') from error

    def _check(self) -> None:
        is_whole = INDEX_BOX in box_names(self._unfinished)
        found = count_frames(str(self._unfinished)) if is_whole else 0
        if found != self._count:
            raise OutputError(
                f'cannot be written: {found} of {self._count} frames are in the file, the disk may '
                'be full',
                argument='out',
                place=FilePlace(self.path),
                advice=ADVICE,
            )

    def _remove(self) -> None:
        with suppress(OSError):
            self._unfinished.unlink()


def box_names(path: Path) -> list[bytes]:
    """Return the names of the boxes of an MP4 file, none if the last one is cut off."""
    size, start, names = path.stat().st_size, 0, []
    with path.open('rb') as file:
        while start < size:
            file.seek(start)
            header = file.read(2 * BOX_HEADER)
            length = int.from_bytes(header[:4], 'big')
            if length == LONG_SIZE:
                length = int.from_bytes(header[BOX_HEADER:], 'big')
            if length < BOX_HEADER or start + length > size:
                return []
            names.append(header[4:BOX_HEADER])
            start += length
    return names
