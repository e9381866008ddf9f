"""Write results to a folder: JSON files, pictures, videos.

The JSON files are in TAO's format with score, category and box added.

Source: TAO PyTorch 6.25.10, inference results. Deviation: objects without a pose are listed, with
null in the pose fields, and the reason if one was looked for.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cpose.apis.inference.image_sources import ENDINGS, SourceImage
from cpose.apis.inference.video_file import VideoFile
from cpose.apis.inference.video_frames import is_live
from cpose.datasets.annotations.file_index import RESULTS_MARK
from cpose.errors import ConfigError, unwritable
from cpose.files.atomic import try_folder, write_atomic, write_text_atomic
from cpose.files.outputs import MARK, check_replaceable, note_input
from cpose.geometry.rotation import multiply_quaternions, quaternion_from_matrix
from cpose.structures.camera import GL_FROM_CV, gl_from_cv
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.visualization.pictures import write_picture
from cpose.visualization.pose_drawer import PoseDrawer

FRAMES = ('opencv', 'objectron')
"""Camera frames of location, quaternion and 3D keypoints; 2D points do not depend on them."""

ANOTHER_FOLDER = 'Choose another output folder'
QUATERNION_GL_FROM_CV = quaternion_from_matrix(GL_FROM_CV)


def result_to_dict(
    result: PoseResult, frame: str = 'opencv', categories: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what the JSON file of one image holds.

    Args:
        result: All poses of the image.
        frame: ``'opencv'`` (x right, y down, z forward) or ``'objectron'`` (x down, y right, z
            backward: the frame of TAO's annotations).
        categories: Names by label.

    Returns:
        ``image_name``, ``image_size`` (width, height), ``frame``, ``intrinsics``, ``distortion``
        (k1 k2 p1 p2 ..., null for a pinhole), ``is_camera_guessed``, ``video_frame`` (``video``,
        ``number``, ``time`` in seconds, ``fps``) of the frames of a video, and ``objects``; of each
        object ``id``, ``location`` (3), ``quaternion_xyzw`` (4), ``keypoints_3d`` (9×3),
        ``projected_keypoints_2d`` (9×2, pixels, with the distortion), ``keypoints_2d`` (8×2,
        pixels), ``relative_scale`` (3), ``score``, ``label``, ``bbox`` (left, top, right, bottom,
        pixels), ``class`` where the name is known, ``reprojection_error`` (pixels) and
        ``relative_error`` (see `ObjectPose`) of a pose, ``failure`` where there is none, and what
        further branches found (`ObjectPose.extras`), such as ``keypoints_std`` (8×2, pixels) and
        ``dims_std`` (3).

    Raises:
        ConfigError: If the frame is unknown, or a branch has a result of the same name.
    """
    if frame not in FRAMES:
        raise ConfigError(
            'is unknown', argument='frame', value=frame, advice=f'Use one of {", ".join(FRAMES)}'
        )
    return {
        'image_name': os.path.basename(result.image_path),
        'image_size': list(result.image_wh),
        'frame': frame,
        'intrinsics': _plain(result.intrinsics),
        'distortion': _plain(result.distortion),
        'is_camera_guessed': result.is_camera_guessed,
        **({} if result.video_frame is None else {'video_frame': asdict(result.video_frame)}),
        'objects': [
            {'id': f'object_{number}', **_object_to_dict(pose, frame, categories)}
            for number, pose in enumerate(result.poses)
        ],
    }


def write_result_json(
    path: str | Path, result: PoseResult, frame: str = 'opencv', categories: Sequence[str] = ()
) -> None:
    """Write the JSON file of one image; see `result_to_dict`.

    Raises:
        OutputError: If the file cannot be written.
    """
    check_replaceable(path)
    text = json.dumps(result_to_dict(result, frame, categories), indent=4, allow_nan=False)
    write_atomic(path, text.encode(), ANOTHER_FOLDER, 'out', is_durable=False)


def _object_to_dict(pose: ObjectPose, frame: str, categories: Sequence[str]) -> dict[str, Any]:
    location, keypoints = pose.location_cv, pose.keypoints_cv
    quaternion = pose.quaternion_xyzw
    if frame == 'objectron' and pose.has_pose:
        assert location is not None
        assert keypoints is not None
        assert quaternion is not None
        location, keypoints = gl_from_cv(location), gl_from_cv(keypoints)
        quaternion = multiply_quaternions(QUATERNION_GL_FROM_CV, quaternion)
    values = {
        'location': _plain(location),
        'quaternion_xyzw': _plain(quaternion),
        'keypoints_3d': _plain(keypoints),
        'projected_keypoints_2d': _plain(pose.keypoints_image),
        'keypoints_2d': _plain(pose.corners_image),
        'relative_scale': _plain(pose.dims),
        'score': pose.score,
        'label': pose.label,
        'bbox': _plain(pose.bbox_image),
    }
    if pose.label < len(categories):
        values['class'] = categories[pose.label]
    for name in ('reprojection_error', 'relative_error', 'failure'):
        if getattr(pose, name) is not None:
            values[name] = getattr(pose, name)
    for name, value in pose.extras.items():
        if name in values:
            raise ConfigError(
                'is what the JSON files call another result',
                argument='name',
                value=name,
                advice='Rename it among the extras of the class of the branch',
            )
        values[name] = _plain(value)
    return values


def _plain(array: np.ndarray | None) -> Any:
    """Return nested lists of numbers, null where there is none: JSON knows no NaN."""
    if array is None:
        return None
    array = np.asarray(array, dtype=np.float64)
    if np.isfinite(array).all():
        return array.tolist()
    objects = array.astype(object)
    objects[~np.isfinite(array)] = None
    return objects.tolist()


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
    column or row, which repeats the last. Use it as a context, so that videos are
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
    """

    folder: Path
    frame: str = 'opencv'
    categories: Sequence[str] = ()
    drawer: PoseDrawer | None = field(default_factory=PoseDrawer)
    save_json: bool = True
    json_folder: str = 'json'
    picture_folder: str = 'vis'
    _video: VideoFile | None = field(default=None, init=False, repr=False)
    _video_name: str | None = field(default=None, init=False, repr=False)
    _is_camera: bool = field(default=False, init=False, repr=False)
    _marked: set[str] = field(default_factory=set, init=False, repr=False)

    def __enter__(self) -> 'ResultWriter':
        """Make the folder and check that it can be written to."""
        prepare_output(self.folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Complete the open video; what ends a camera ends no video early."""
        is_end = kind is None or (self._is_camera and issubclass(kind, KeyboardInterrupt))
        self._close_video(is_end)

    def write(self, image: SourceImage, result: PoseResult) -> None:
        """Write what belongs to one image.

        Raises:
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
        if self.drawer is None:
            return
        self._mark(self.picture_folder)
        picture = self.drawer.draw(image.image, result)
        if image.frame is None:
            write_picture(picture_path, picture)
        else:
            self._write_frame(picture, image)

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
