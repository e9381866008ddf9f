"""What the page works on: pictures of a folder, or frames of a video."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from cpose.annotation.cuboid_solver import CuboidSolution
from cpose.annotation.server.cameras import PictureCamera
from cpose.annotation.server.pictures import Document, Picture
from cpose.datasets.image_reading import Photo
from cpose.files.json_files import JsonFields

Proposer = Callable[[Picture], list[dict[str, Any]]]
"""From a picture to the boxes that a model finds, as the page takes them."""


class Pictures(Protocol):
    """The pictures of a folder, or the frames of a video."""

    @property
    def root(self) -> Path:
        """Return the folder."""

    @property
    def pictures(self) -> Mapping[str, Picture]:
        """Return the pictures by id, in their order."""

    @property
    def left_out(self) -> Sequence[str]:
        """Return paths of pictures that cannot be used."""

    def state(self, picture: Picture) -> dict[str, Any]:
        """Return what the list of pictures tells of one."""

    def read_picture(self, picture: Picture) -> Photo:
        """Read the pixels that training sees."""

    def read_file(self, picture: Picture) -> bytes:
        """Return the file of a picture."""


class PictureEditor(Protocol):
    """Reads and changes what is known of pictures."""

    @property
    def is_video(self) -> bool:
        """Whether one box is in all pictures."""

    @property
    def is_writing(self) -> bool:
        """Whether files are still behind what was changed."""

    @property
    def folder(self) -> Pictures:
        """Return the pictures."""

    def read(self, picture: Picture) -> Document:
        """Return what is known of a picture."""

    def known_cameras(
        self, picture: Picture, content: Mapping[str, Any] | None, image_wh: tuple[int, int]
    ) -> dict[str, PictureCamera]:
        """Return the cameras that a picture may have."""

    def change(self, picture: Picture, request: JsonFields) -> Document:
        """Bring what the page sends to the disk."""

    def solve(self, picture: Picture, fields: JsonFields) -> CuboidSolution | None:
        """Return the posed box for corners that are not saved yet."""
