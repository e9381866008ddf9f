"""From a video to a folder of frames that can be annotated, and boxes of a file to annotations."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cpose.annotation.server.base import Proposer
from cpose.annotation.server.pictures import HIDDEN
from cpose.annotation.video.camera_motion import board_motion, fixed_motion, posed_motion
from cpose.annotation.video.camera_motion.posed_images import PosedImage
from cpose.annotation.video.camera_motion.reconstructions import read_reconstruction
from cpose.annotation.video.frames import FrameNote, write_frames
from cpose.annotation.video.motion import Motion
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
from cpose.annotation.video.video_sources import FrameSource, open_source
from cpose.apis.inference.calibration import Camera, SceneCameras
from cpose.apis.inference.camera_io import CameraLike, make_camera
from cpose.apis.inference.image_sources import SourceImage
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError
from cpose.files.atomic import try_folder
from cpose.files.json_files import JsonFields
from cpose.files.text_files import read_json
from cpose.metric_scale.boards import Board

Progress = Callable[[Iterable[SourceImage], str, int], Iterable[SourceImage]]
"""Shows how far the frames are: takes them, what is done, and their number."""


@dataclass(frozen=True)
class VideoSettings:
    """How a video is annotated.

    Attributes:
        board: What lies in view, without a reconstruction.
        camera: Of the video; None determines it from the board.
        every: Of each so many frames the sharpest is taken.
        reconstruction: File or folder, see `read_reconstruction`; it has the cameras too.
        is_object_moved: Whether the object moves before a camera that stands still.
    """

    board: Board = field(default_factory=Board)
    camera: CameraLike | None = None
    every: int = 1
    reconstruction: str | Path | None = None
    is_object_moved: bool = False


def prepare_video(
    video: str | Path,
    out: str | Path | None,
    settings: VideoSettings,
    progress: Progress | None = None,
) -> VideoFolder:
    """Extract the frames of a video and find where the camera was in each.

    A folder that was made of the same video with the same settings is opened as it is.

    Args:
        video: The file, or with a reconstruction the folder of its pictures.
        out: Folder; None takes one beside the video, of its name without ending.
        settings: How.
        progress: Shows it.

    Raises:
        ConfigError: If the video is a camera or stream, or a setting cannot be used.
        DataError: If the video cannot be read or shows no board, or camera or reconstruction are
            not its.
        OutputError: If the folder is in use, or cannot be written.
    """
    if settings.camera is not None and settings.reconstruction is not None:
        raise ConfigError(
            'is given beside a reconstruction, which has the cameras',
            argument='camera',
            advice='Leave one of both out',
        )
    source = open_source(str(video))
    root = source.default_out if out is None else Path(out)
    camera = None if settings.camera is None else _one_camera(make_camera(settings.camera))
    made_of = _made_of(source, settings, camera)
    if not check_new(root, made_of):
        return VideoFolder(root)
    shown = progress or _silent
    motion, notes, poses = _find_motion(source, settings, camera, shown)
    motion = replace(motion, made_of=made_of)
    try_folder(root / HIDDEN / FRAMES)
    wanted = {frame.number: frame.name for frame in motion.frames}
    write_frames(
        shown(source.read(poses), 'Writing frames', source.count), wanted, root / HIDDEN / FRAMES
    )
    create_folder(root, motion, notes)
    return VideoFolder(root)


def _find_motion(
    source: FrameSource, settings: VideoSettings, camera: Camera | None, shown: Progress
) -> tuple[Motion, list[FrameNote], dict[int, PosedImage]]:
    if settings.is_object_moved:
        images = shown(source.read(), 'Looking at frames', source.count)
        return *fixed_motion.find_motion(images, camera, str(source.path), settings.every), {}
    if settings.reconstruction is None:
        images = shown(source.read(), 'Looking for the board', source.count)
        found = board_motion.find_motion(
            images, settings.board, camera, str(source.path), settings.every
        )
        return *found, {}
    reconstruction = read_reconstruction(settings.reconstruction)
    poses = source.find_poses(reconstruction)
    images = shown(source.read(poses), 'Looking at frames', source.count)
    names = {number: source.name_of(number) for number in range(source.count)}
    found = posed_motion.find_motion(images, poses, names, reconstruction, settings.every)
    return *found, poses


def write_boxes(
    folder: VideoFolder,
    path: str | Path,
    build_proposer: Callable[[VideoEditor], Proposer] | None = None,
) -> dict[int, dict[str, Any] | str]:
    """Take the boxes of a file, and write the annotations of all frames.

    Args:
        folder: The video.
        path: JSON with the field ``boxes``, as ``.cpose_annotate/boxes.json`` has it.
        build_proposer: See `VideoEditor`.

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
    return VideoEditor(folder, build_proposer).settle()


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


def _made_of(source: FrameSource, settings: VideoSettings, camera: Camera | None) -> dict[str, Any]:
    """Return what tells a folder of this video from others, as plain values."""
    lens = camera.distortion if camera is not None else None
    board, path = settings.board, settings.reconstruction
    return {
        'video': source.identity,
        'every': settings.every,
        'board': [board.kind, *board.squares, board.square_mm, board.marker_mm],
        'camera': None if camera is None else camera.intrinsics.tolist(),
        'distortion': None if lens is None else lens.tolist(),
        'reconstruction': None if path is None else Path(path).name,
        'is_object_moved': settings.is_object_moved,
    }
