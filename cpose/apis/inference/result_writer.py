"""Write results to a folder: JSON files, pictures, videos."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from cpose.apis.inference.image_sources import SourceImage
from cpose.apis.inference.result_json import ANOTHER_FOLDER, write_result_json
from cpose.error_places import FilePlace
from cpose.errors import OutputError, unwritable
from cpose.structures.object_pose import PoseResult
from cpose.visualization.pictures import write_picture
from cpose.visualization.pose_drawer import PoseDrawer

JPEG_ENDINGS = ('.jpg', '.jpeg')


def prepare_output(folder: Path) -> None:
    """Make a folder for results and check that it can be written to.

    Raises:
        OutputError: If it cannot.
    """
    probe = folder / '.writable'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b'')
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error, 'Choose another folder with {out}', 'out') from error


@dataclass
class ResultWriter:
    """Write ``json/{name}.json`` and ``vis/{name}.png`` or ``.jpg`` below a folder.

    The frames of a video become one ``vis/{video}.mp4``; its sides are even, odd ones get one more
    column or row, which repeats the last. Use it as a context, so that videos are
    complete at the end.

    Attributes:
        folder: Where to write; it is made if needed.
        frame: Camera frame of the JSON files, see `result_to_dict`.
        categories: Names by label.
        drawer: Draws the pictures, None for no pictures.
        save_json: Whether to write JSON files.
        json_folder: Folder of the JSON files below ``folder``, may be empty.
        picture_folder: Folder of pictures and videos below ``folder``, may be empty.
    """

    folder: Path
    frame: str = 'opencv'
    categories: Sequence[str] = ()
    drawer: PoseDrawer | None = field(default_factory=PoseDrawer)
    save_json: bool = True
    json_folder: str = 'json'
    picture_folder: str = 'vis'
    _video: cv2.VideoWriter | None = field(default=None, init=False, repr=False)
    _video_name: str | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> 'ResultWriter':
        """Make the folder and check that it can be written to."""
        prepare_output(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        """Complete the open video."""
        self._close_video()

    def write(self, image: SourceImage, result: PoseResult) -> None:
        """Write what belongs to one image.

        Raises:
            OutputError: If a file cannot be written.
        """
        if self.save_json:
            path = self.folder / self.json_folder / f'{image.name}.json'
            write_result_json(path, result, self.frame, self.categories)
        if self.drawer is None:
            return
        picture = self.drawer.draw(image.image, result)
        if image.frame is None:
            self._write_picture(picture, image)
        else:
            self._write_frame(picture, image)

    def _write_picture(self, picture: np.ndarray, image: SourceImage) -> None:
        ending = os.path.splitext(image.path)[1].lower()
        ending = ending if ending in JPEG_ENDINGS else '.png'
        path = self.folder / self.picture_folder / f'{image.name}{ending}'
        write_picture(path, picture)

    def _write_frame(self, picture: np.ndarray, image: SourceImage) -> None:
        assert image.frame is not None
        picture = _with_even_sides(picture)
        if self._video is None or image.frame.video != self._video_name:
            self._close_video()
            self._video = self._open_video(image.frame.video, image.frame.fps, picture.shape)
            self._video_name = image.frame.video
        self._video.write(picture)

    def _open_video(self, name: str, fps: float, shape: tuple[int, ...]) -> cv2.VideoWriter:
        path = self.folder / self.picture_folder / f'{name}.mp4'
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error, ANOTHER_FOLDER, 'out') from error
        codec = cv2.VideoWriter.fourcc(*'mp4v')
        writer = cv2.VideoWriter(str(path), codec, fps, (shape[1], shape[0]))
        if not writer.isOpened():
            raise OutputError(
                'cannot be written as a video',
                argument='out',
                place=FilePlace(path),
                advice=ANOTHER_FOLDER,
            )
        return writer

    def _close_video(self) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None


def _with_even_sides(picture: np.ndarray) -> np.ndarray:
    """Return a picture that the codec, which halves the colours, does not cut."""
    height, width = picture.shape[:2]
    return cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
