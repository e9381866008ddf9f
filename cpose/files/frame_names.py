"""Videos that are stored as numbered images: which images are the frames of which video."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

LAST_NUMBER = re.compile(r'(.*?)(\d*)')


class NumberedFrame(NamedTuple):
    """A frame of a video.

    Attributes:
        video: Folder, and the name before the number, which may be empty.
        number: The number at the end of its name, −1 without one.
    """

    video: str
    number: int


def split_frame_name(path: str) -> NumberedFrame:
    """Return which frame of which video an image is, by its name."""
    file = PurePath(path)
    match = LAST_NUMBER.fullmatch(file.stem)
    assert match is not None
    name = match[1].rstrip('_-. ')
    video = (file.parent / name if name else file.parent).as_posix()
    return NumberedFrame(video, int(match[2]) if match[2] else -1)


def list_videos(paths: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of the frames of each video among the paths, in the order of numbers.

    Frames of one video lie in one folder and are called alike but for the number at the end.
    """
    videos = defaultdict(list)
    for place, path in enumerate(paths):
        video, number = split_frame_name(path)
        videos[video].append((number, place))
    return {video: [place for _, place in sorted(frames)] for video, frames in videos.items()}
