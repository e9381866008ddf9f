"""Where frames come from: a video, or the pictures of a folder."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from cpose.annotation.video.camera_motion.posed_images import PosedImage, Reconstruction
from cpose.annotation.video.frames import frame_name
from cpose.apis.inference.image_sources import OutputNames, SourceImage
from cpose.apis.inference.video_frames import count_frames, is_live, read_frames
from cpose.datasets.annotations.file_index import scan_folder
from cpose.datasets.image_reading import read_photo
from cpose.errors import ConfigError, unreadable
from cpose.structures.object_pose import VideoFrame


class FrameSource(Protocol):
    """Frames that can be read again and again."""

    @property
    def path(self) -> Path:
        """Return the file or folder."""

    @property
    def count(self) -> int:
        """Return how many frames there are."""

    @property
    def identity(self) -> list[str | int]:
        """Return what tells it from others, as plain values."""

    @property
    def default_out(self) -> Path:
        """Return the folder that its annotations go to."""

    def name_of(self, number: int) -> str:
        """Return the name of the files of a frame."""

    def find_poses(self, found: Reconstruction) -> dict[int, PosedImage]:
        """Return the images of a reconstruction by number of the frame."""

    def read(self, poses: dict[int, PosedImage] | None = None) -> Iterator[SourceImage]:
        """Read the frames; pictures in the orientation that their poses are of."""


@dataclass(frozen=True)
class VideoSource:
    """The frames of a video file."""

    path: Path

    @property
    def count(self) -> int:
        """Return how many frames the file says that it has."""
        return count_frames(str(self.path))

    @property
    def identity(self) -> list[str | int]:
        """Return name and length of the file.

        Raises:
            DataError: If there is none.
        """
        try:
            return [self.path.name, self.path.stat().st_size]
        except OSError as error:
            raise unreadable(self.path, error) from error

    @property
    def default_out(self) -> Path:
        """Return the folder beside the video, of its name without ending."""
        return self.path.with_suffix('')

    def name_of(self, number: int) -> str:
        """Return the name of the files of a frame."""
        return frame_name(number)

    def find_poses(self, found: Reconstruction) -> dict[int, PosedImage]:
        """Return the images of a reconstruction whose names are numbers of frames."""
        return found.by_frame(self.count)

    def read(self, poses: dict[int, PosedImage] | None = None) -> Iterator[SourceImage]:
        """Read the frames."""
        for frame, image in read_frames(str(self.path), self.path.stem):
            yield SourceImage(
                self.name_of(frame.number), f'{self.path}#{frame.number}', image, frame
            )


@dataclass(frozen=True)
class FolderSource:
    """The pictures of a folder and its sub-folders, by path; their places are their numbers."""

    path: Path

    @cached_property
    def _paths(self) -> list[str]:
        return [image.path for image in scan_folder(str(self.path)).images]

    @cached_property
    def _names(self) -> list[str]:
        names = OutputNames()
        flat = (str(PurePosixPath(path).with_suffix('')).replace('/', '_') for path in self._paths)
        return [names.claim(name) for name in flat]

    @property
    def count(self) -> int:
        """Return how many pictures there are."""
        return len(self._paths)

    @property
    def identity(self) -> list[str | int]:
        """Return name of the folder and number of pictures."""
        return [Path(os.path.realpath(self.path)).name, self.count]

    @property
    def default_out(self) -> Path:
        """Return a folder beside the one of the pictures."""
        root = Path(os.path.realpath(self.path))
        return root.with_name(f'{root.name}_annotated')

    def name_of(self, number: int) -> str:
        """Return the name of the files of a picture, with ``_`` between folders."""
        return self._names[number]

    def find_poses(self, found: Reconstruction) -> dict[int, PosedImage]:
        """Return the images of a reconstruction by the names of the pictures."""
        return found.by_name(dict(enumerate(self._paths)), str(self.path))

    def read(self, poses: dict[int, PosedImage] | None = None) -> Iterator[SourceImage]:
        """Read the pictures; as they are stored where the reconstruction is of stored pixels."""
        for number, path in enumerate(self._paths):
            pose = (poses or {}).get(number)
            wanted = None if pose is None else pose.camera.image_wh
            image = read_photo(str(self.path / path), wanted).image
            frame = VideoFrame(self.path.name, number, 0.0, 1.0)
            yield SourceImage(self.name_of(number), path, image, frame)


def open_source(path: str) -> FrameSource:
    """Return the frames of a video or folder.

    Raises:
        ConfigError: If it is a camera or stream.
    """
    if is_live(path):
        raise ConfigError(
            'is a camera or stream, which has no end',
            argument='folder',
            value=path,
            advice='Record a video, and give its file',
        )
    return FolderSource(Path(path)) if os.path.isdir(path) else VideoSource(Path(path))
