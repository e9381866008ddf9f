"""From a video to a folder of frames that can be annotated, and boxes of a file to annotations."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cpose.annotation.boards import Board
from cpose.annotation.server.pictures import HIDDEN
from cpose.annotation.video.board_motion import find_motion
from cpose.annotation.video.frames import frame_name, write_frames
from cpose.annotation.video.video_boxes import parse_video_boxes, place_boxes
from cpose.annotation.video.video_editor import VideoEditor
from cpose.annotation.video.video_folder import (
    FRAMES,
    MOST_BYTES,
    Said,
    VideoFolder,
    check_new,
    create_folder,
)
from cpose.apis.inference.calibration import Camera, SceneCameras
from cpose.apis.inference.camera_io import CameraLike, make_camera
from cpose.apis.inference.image_sources import SourceImage
from cpose.apis.inference.video_frames import count_frames, is_live, read_frames
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError, unreadable
from cpose.files.atomic import try_folder
from cpose.files.json_files import JsonFields
from cpose.files.text_files import read_json

Progress = Callable[[Iterable[SourceImage], str, int], Iterable[SourceImage]]
"""Shows how far the frames are: takes them, what is done, and their number."""


@dataclass(frozen=True)
class VideoSettings:
    """How a video is annotated.

    Attributes:
        board: What lies in view.
        camera: Of the video; None determines it from the board.
        every: Of each so many frames the sharpest is taken.
    """

    board: Board
    camera: CameraLike | None = None
    every: int = 1


def prepare_video(
    video: str, out: str | Path | None, settings: VideoSettings, progress: Progress | None = None
) -> VideoFolder:
    """Extract the frames of a video and find where the camera was in each.

    A folder that was made of the same video with the same settings is opened as it is.

    Args:
        video: The file.
        out: Folder; None takes one beside the video, of its name without ending.
        settings: How.
        progress: Shows it.

    Raises:
        ConfigError: If the video is a camera or stream, or a setting cannot be used.
        DataError: If the video cannot be read or shows no board, or the camera is not its.
        OutputError: If the folder is in use, or cannot be written.
    """
    if is_live(video):
        raise ConfigError(
            'is a camera or stream, which has no end',
            argument='folder',
            value=video,
            advice='Record a video, and give its file',
        )
    path = Path(video)
    root = path.with_suffix('') if out is None else Path(out)
    camera = None if settings.camera is None else _one_camera(make_camera(settings.camera))
    made_of = _made_of(path, settings, camera)
    if not check_new(root, made_of):
        return VideoFolder(root)
    shown = progress or _silent
    motion, notes = find_motion(
        shown(_frames(path), 'Looking for the board', count_frames(video)),
        settings.board,
        camera,
        video,
        settings.every,
    )
    motion = replace(motion, made_of=made_of)
    try_folder(root / HIDDEN / FRAMES)
    wanted = {frame.number: frame.name for frame in motion.frames}
    images = shown(_frames(path), 'Writing frames', count_frames(video))
    write_frames(images, wanted, root / HIDDEN / FRAMES)
    create_folder(root, motion, notes)
    return VideoFolder(root)


def write_boxes(folder: VideoFolder, path: str | Path) -> dict[int, dict[str, Any] | str]:
    """Take the boxes of a file, and write the annotations of all frames.

    Args:
        folder: The video.
        path: JSON with the field ``boxes``, as ``.cpose_annotate/boxes.json`` has it.

    Returns:
        For each number of a frame its annotation, or why it has none.

    Raises:
        DataError: If the file cannot be used, or no box has such corners.
        OutputError: If a file cannot be written.
    """
    root = JsonFields(read_json(path, MOST_BYTES), str(path))
    said = Said(tuple(parse_video_boxes(root, folder.motion)), folder.read_said().left_out)
    if not place_boxes(said.boxes, folder.motion).solutions:
        raise DataError(
            'holds no box of which four corners were placed in one frame',
            place=FilePlace(path),
            advice='Write eight points or nulls for a frame, at least four of them points',
        )
    with folder.changing(folder.revision()):
        folder.write_said(said)
    return VideoEditor(folder).settle()


def _frames(path: Path) -> Iterator[SourceImage]:
    for frame, image in read_frames(str(path), path.stem):
        yield SourceImage(frame_name(frame.number), f'{path}#{frame.number}', image, frame)


def _silent(images: Iterable[SourceImage], what: str, total: int) -> Iterable[SourceImage]:
    return images


def _one_camera(camera: Camera | SceneCameras) -> Camera:
    if isinstance(camera, SceneCameras):
        raise DataError(
            'has several cameras, and a video has one',
            argument='camera',
            place=FilePlace(camera.origin),
            advice='Give the one of the video',
        )
    return camera


def _made_of(path: Path, settings: VideoSettings, camera: Camera | None) -> dict[str, Any]:
    """Return what tells a folder of this video from others, as plain values."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error
    lens = camera.distortion if camera is not None else None
    return {
        'video': [path.name, size],
        'every': settings.every,
        'board': [settings.board.kind, *settings.board.squares, settings.board.square_mm],
        'camera': None if camera is None else camera.intrinsics.tolist(),
        'distortion': None if lens is None else lens.tolist(),
    }
