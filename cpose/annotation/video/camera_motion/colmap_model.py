"""Read the cameras of a sparse model of COLMAP, in its binary or its text format.

Of ``cameras`` and ``images`` only what the motion needs is read: a model, a size and parameters
for each camera, a pose and a name for each image. A package that reads all of it would bring a
solver along.
Source: the format as COLMAP's documentation describes it ("Output Format"). Poses map the world
to OpenCV's camera frame; the middle of the first pixel is (0.5, 0.5) there.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cpose.annotation.video.camera_motion.posed_images import PosedImage
from cpose.apis.inference.calibration import Camera
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.files.text_files import read_bytes, read_text
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.camera import intrinsic_matrix

MOST_BYTES = 2 << 30
POINT_BYTES = 24
PIXEL_SHIFT = 0.5
MODELS = (
    *(('SIMPLE_PINHOLE', 3), ('PINHOLE', 4), ('SIMPLE_RADIAL', 4), ('RADIAL', 5), ('OPENCV', 8)),
    *(('OPENCV_FISHEYE', 8), ('FULL_OPENCV', 12), ('FOV', 5), ('SIMPLE_RADIAL_FISHEYE', 4)),
    *(('RADIAL_FISHEYE', 5), ('THIN_PRISM_FISHEYE', 12), ('RAD_TAN_THIN_PRISM_FISHEYE', 16)),
)
"""Camera models and their numbers of parameters, in the order of their numbers."""
ONE_FOCAL = ('SIMPLE_PINHOLE', 'SIMPLE_RADIAL', 'RADIAL')
KNOWN = (*ONE_FOCAL, 'PINHOLE', 'OPENCV', 'FULL_OPENCV')
"""Those whose distortion OpenCV's coefficients k1 k2 p1 p2 k3 ... express."""
CAMERAS, IMAGES = 'cameras', 'images'


@dataclass(frozen=True)
class _Camera:
    model: str
    image_wh: tuple[int, int]
    params: tuple[float, ...]


@dataclass(frozen=True)
class _Image:
    quaternion_wxyz: tuple[float, ...]
    translation: tuple[float, ...]
    camera_id: int
    name: str


def is_colmap_model(folder: Path) -> bool:
    """Tell whether a folder holds a model."""
    return any(_holds(folder, ending) for ending in ('.bin', '.txt'))


def read_colmap_model(folder: Path) -> list[PosedImage]:
    """Return the images of a model; the binary files count where both are there.

    Raises:
        DataError: If a file cannot be read or is damaged, or a camera has another lens model.
    """
    if _holds(folder, '.bin'):
        camera_path, image_path = folder / 'cameras.bin', folder / 'images.bin'
        cameras, images = _read_binary_cameras(camera_path), _read_binary_images(image_path)
    else:
        camera_path, image_path = folder / 'cameras.txt', folder / 'images.txt'
        cameras, images = _read_text_cameras(camera_path), _read_text_images(image_path)
    made = {number: _make_camera(camera, camera_path) for number, camera in cameras.items()}
    return [_pose(image, made, image_path) for image in images]


def _holds(folder: Path, ending: str) -> bool:
    return all((folder / f'{name}{ending}').is_file() for name in (CAMERAS, IMAGES))


def _make_camera(camera: _Camera, path: Path) -> Camera:
    if camera.model not in KNOWN:
        raise DataError(
            f'has a camera of the model {camera.model}, whose distortion is not known here',
            place=FilePlace(path),
            advice=f'Undistort the pictures, or reconstruct with {", ".join(KNOWN)}',
        )
    params = camera.params
    focal = 1 if camera.model in ONE_FOCAL else 2
    (fx, fy), (cx, cy) = (params[0], params[focal - 1]), params[focal : focal + 2]
    lens = params[focal + 2 :]
    is_sound = np.isfinite(params).all() and fx > 0 and fy > 0
    if not (is_sound and min(camera.image_wh) > 0):
        raise _damaged(path, 'a camera without a focal length or a size')
    distortion = None
    if any(lens):
        distortion = np.array([*lens, *[0.0] * max(4 - len(lens), 0)])
    intrinsics = intrinsic_matrix(fx, fy, cx - PIXEL_SHIFT, cy - PIXEL_SHIFT)
    return Camera(intrinsics, distortion, camera.image_wh, str(path))


def _pose(image: _Image, cameras: dict[int, Camera], path: Path) -> PosedImage:
    if image.camera_id not in cameras:
        raise _damaged(path, f'an image of the camera {image.camera_id}, which is not there')
    w, x, y, z = image.quaternion_wxyz
    norm = float(np.linalg.norm(image.quaternion_wxyz))
    if not (np.isfinite(image.translation).all() and 0 < norm < np.inf):
        raise _damaged(path, f'no pose of {image.name}')
    matrix = np.eye(4)
    matrix[:3, :3] = matrix_from_quaternion(np.array([x, y, z, w]) / norm)
    matrix[:3, 3] = image.translation
    return PosedImage(image.name, cameras[image.camera_id], matrix)


class _Bytes:
    """The bytes of a file, read in turn."""

    def __init__(self, path: Path) -> None:
        self._content = read_bytes(path, MOST_BYTES)
        self._path = path
        self._place = 0

    def take(self, form: str) -> tuple[int | float, ...]:
        """Return the next values."""
        try:
            values = struct.unpack_from(f'<{form}', self._content, self._place)
        except struct.error as error:
            raise _damaged(self._path, 'an end before its time') from error
        self.skip(struct.calcsize(f'<{form}'))
        return values

    def count(self, least_bytes: int) -> int:
        """Return how many records follow, each of so many bytes at least."""
        number = int(self.take('Q')[0])
        if number * least_bytes > len(self._content) - self._place:
            raise _damaged(self._path, f'{number} records where there is no room for them')
        return number

    def skip(self, count: int) -> None:
        """Leave bytes out."""
        self._place += count

    def text(self) -> str:
        """Return the next text, which ends with a zero."""
        end = self._content.find(b'\0', self._place)
        if end < 0:
            raise _damaged(self._path, 'a name without an end')
        text = self._content[self._place : end].decode('utf-8', 'replace')
        self._place = end + 1
        return text


def _read_binary_cameras(path: Path) -> dict[int, _Camera]:
    data, cameras = _Bytes(path), {}
    for _ in range(data.count(24)):
        number, model, width, height = map(int, data.take('IiQQ'))
        if not 0 <= model < len(MODELS):
            raise _damaged(path, f'a camera model of the number {model}')
        name, num_params = MODELS[model]
        cameras[number] = _Camera(name, (width, height), data.take(f'{num_params}d'))
    return cameras


def _read_binary_images(path: Path) -> list[_Image]:
    data, images = _Bytes(path), []
    for _ in range(data.count(73)):
        values = data.take('I7dI')
        name = data.text()
        data.skip(data.count(POINT_BYTES) * POINT_BYTES)
        images.append(_Image(values[1:5], values[5:8], int(values[8]), name))
    return images


def _read_text_cameras(path: Path) -> dict[int, _Camera]:
    cameras, sizes = {}, dict(MODELS)
    for line, words in _lines(path):
        try:
            number, width, height = int(words[0]), int(words[2]), int(words[3])
            params = tuple(map(float, words[4:]))
        except (ValueError, IndexError) as error:
            raise _wrong_line(path, line, 'CAMERA_ID MODEL WIDTH HEIGHT PARAMS') from error
        if len(params) != sizes.get(words[1], len(params)):
            raise _wrong_line(path, line, f'{sizes[words[1]]} parameters of {words[1]}')
        cameras[number] = _Camera(words[1], (width, height), params)
    return cameras


def _read_text_images(path: Path) -> list[_Image]:
    images = []
    for line, words in list(_lines(path, keeps_empty=True))[::2]:  # points follow each image
        try:
            pose = tuple(map(float, words[1:8]))
            camera_id, name = int(words[8]), ' '.join(words[9:])
        except (ValueError, IndexError) as error:
            raise _wrong_line(path, line, 'IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME') from error
        images.append(_Image(pose[:4], pose[4:], camera_id, name))
    return images


def _lines(path: Path, keeps_empty: bool = False) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield number and words of all lines but comments, and empty ones at the end."""
    lines = read_text(path, MOST_BYTES).rstrip().splitlines()
    for number, line in enumerate(lines, 1):
        if not line.startswith('#') and (keeps_empty or line.strip()):
            yield number, line.split()


def _wrong_line(path: Path, line: int, expected: str) -> DataError:
    return DataError(
        f'is not as COLMAP writes it, expected {expected}',
        place=FilePlace(path, line=line),
        advice='Export the model again',
    )


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        f'is damaged: it has {what}', place=FilePlace(path), advice='Export the model again'
    )
