"""Write results to a folder: JSON files, pictures, videos."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cpose.apis.inference.image_sources import ENDINGS, SourceImage
from cpose.apis.inference.result_json import ANOTHER_FOLDER, write_result_json
from cpose.apis.inference.video_file import VideoFile
from cpose.apis.inference.video_frames import is_live
from cpose.apis.tracks.track_file import TrackFile
from cpose.datasets.annotations.file_index import RESULTS_MARK
from cpose.error_places import FilePlace
from cpose.errors import DataError, unwritable
from cpose.evaluation.tracks.track_file import TRACKS_ENDING
from cpose.files.atomic import try_folder, write_text_atomic
from cpose.files.outputs import MARK, check_replaceable, note_input
from cpose.structures.object_pose import PoseResult
from cpose.visualization.pictures import write_picture
from cpose.visualization.pose_drawer import PoseDrawer

MARK_TEXT = f'{MARK.decode()}: results, which are no inputs of a later run.\n'
JPEG_ENDINGS = ('.jpg', '.jpeg')


def prepare_output(folder: Path) -> None:
    """Make a folder for results and check that it can be written to.

    Raises:
        OutputError: If it cannot.
    """
    try:
        try_folder(folder)
    except OSError as error:
        raise unwritable(folder, error, 'Choose another folder with {out}', 'out') from error


@dataclass
class ResultWriter:
    """Write ``json/{name}.json`` and ``vis/{name}.png`` or ``.jpg`` below a folder.

    The frames of a video become one ``vis/{video}.mp4``; its sides are even, odd ones get one more
    column or row, which repeats the last. Its tracks, if there is a tracker, become one
    ``json/{video}.tracks.json``. Use it as a context, so that videos are
    complete at the end; one that an error ends is called ``vis/{video}.incomplete.mp4``. Images and
    the annotations beside them are never replaced, other files only by `outputs_guarded`.

    Attributes:
        folder: Where to write; it is made if needed.
        frame: Camera frame of the JSON files, see `result_to_dict`.
        categories: Names by label.
        drawer: Draws the pictures, None for no pictures.
        save_json: Whether to write JSON files.
        json_folder: Folder of the JSON files below ``folder``, may be empty.
        picture_folder: Folder of pictures and videos below ``folder``, may be empty.
        dataset_meta: Meta information of the categories, for the tracks; by default their names.
        tracker: Settings of the tracker, for the tracks.
    """

    folder: Path
    frame: str = 'opencv'
    categories: Sequence[str] = ()
    drawer: PoseDrawer | None = field(default_factory=PoseDrawer)
    save_json: bool = True
    json_folder: str = 'json'
    picture_folder: str = 'vis'
    dataset_meta: Mapping[str, Sequence[Any]] | None = None
    tracker: Mapping[str, Any] | None = None
    _tracks: TrackFile | None = field(default=None, init=False, repr=False)
    _video: VideoFile | None = field(default=None, init=False, repr=False)
    _video_name: str | None = field(default=None, init=False, repr=False)
    _is_camera: bool = field(default=False, init=False, repr=False)
    _marked: set[str] = field(default_factory=set, init=False, repr=False)

    def __enter__(self) -> 'ResultWriter':
        """Make the folder and check that it can be written to."""
        prepare_output(self.folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Complete the open video and its tracks; what ends a camera ends no video early."""
        is_end = kind is None or (self._is_camera and issubclass(kind, KeyboardInterrupt))
        try:
            self._close_video(is_end)
        finally:
            self._write_tracks()

    def write(self, image: SourceImage, result: PoseResult) -> None:
        """Write what belongs to one image.

        Raises:
            DataError: If a frame has another size than those of its video before it.
            OutputError: If a file cannot be written.
        """
        picture_path = self._picture_path(image)
        if image.frame is None:
            note_input(image.path, Path(image.path).with_suffix('.json'))
            if self.drawer is not None:
                check_replaceable(picture_path)
        if self.save_json:
            self._mark(self.json_folder)
            path = self.folder / self.json_folder / f'{image.name}.json'
            write_result_json(path, result, self.frame, self.categories)
            self._note_tracks(result)
        if self.drawer is None:
            return
        self._mark(self.picture_folder)
        picture = self.drawer.draw(image.image, result)
        if image.frame is None:
            write_picture(picture_path, picture)
        else:
            self._write_frame(picture, image)

    def _note_tracks(self, result: PoseResult) -> None:
        """Add a frame to the tracks of its video; write those of the video before."""
        if result.video_frame is None:
            return
        path = self.folder / self.json_folder / f'{result.video_frame.video}{TRACKS_ENDING}'
        if self._tracks is None or self._tracks.path != path:
            self._write_tracks()
            meta = self.dataset_meta or {'category': self.categories}
            known = meta if self.categories else None
            self._tracks = TrackFile(path, self.frame, known, self.tracker)
        self._tracks.add(result)

    def _write_tracks(self) -> None:
        tracks, self._tracks = self._tracks, None
        if tracks is not None:
            tracks.write()

    def _mark(self, name: str) -> None:
        """Mark a folder that holds results only, so that no later run takes them for inputs."""
        if name in self._marked:
            return
        self._marked.add(name)
        folder = self.folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            has_images = any(path.lower().endswith(ENDINGS) for path in os.listdir(folder))
        except OSError as error:
            raise unwritable(folder, error, ANOTHER_FOLDER, 'out') from error
        if not has_images:
            write_text_atomic(folder / RESULTS_MARK, MARK_TEXT, ANOTHER_FOLDER)

    def _picture_path(self, image: SourceImage) -> Path:
        ending = os.path.splitext(image.path)[1].lower()
        ending = ending if ending in JPEG_ENDINGS else '.png'
        return self.folder / self.picture_folder / f'{image.name}{ending}'

    def _write_frame(self, picture: np.ndarray, image: SourceImage) -> None:
        assert image.frame is not None
        picture = _with_even_sides(picture)
        if self._video is None or image.frame.video != self._video_name:
            self._close_video()
            self._video = self._open_video(image.frame.video, image.frame.fps, picture.shape)
            self._video_name = image.frame.video
            self._is_camera = is_live(image.path.rpartition('#')[0])
        elif self._video.size_wh != picture.shape[1::-1]:
            raise DataError(
                f'has another size than the frames of the video {self._video_name} before it',
                argument='inputs',
                value=image.image_wh,
                place=FilePlace(image.path),
                advice='Give frames of one size',
            )
        self._video.write(picture)

    def _open_video(self, name: str, fps: float, shape: tuple[int, ...]) -> VideoFile:
        path = self.folder / self.picture_folder / f'{name}.mp4'
        return VideoFile(path, fps, (shape[1], shape[0]))

    def _close_video(self, is_complete: bool = True) -> None:
        if self._video is not None:
            video, self._video = self._video, None
            video.close(is_complete)


def _with_even_sides(picture: np.ndarray) -> np.ndarray:
    """Return a picture that the codec, which halves the colours, does not cut."""
    height, width = picture.shape[:2]
    return cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
