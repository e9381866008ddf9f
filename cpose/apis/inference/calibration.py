"""A calibrated camera, and the cameras of a scene."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cpose.error_places import FilePlace
from cpose.errors import DataError

SAME_ASPECT = 0.01
"""Largest relative difference of the scales of width and height of a resized image."""
FARTHEST_CENTER = 0.15
"""Largest usual distance of the principal point from the middle, sides of the image."""
SHORTEST_FOCAL, LONGEST_FOCAL = 0.25, 10.0
"""Usual focal lengths, longer sides of the image: fields of view of 127° to 6° along it."""
MOST_STRETCH = 1.7
"""Largest usual ratio of the two focal lengths."""


@dataclass(frozen=True)
class Camera:
    """A calibrated camera.

    Attributes:
        intrinsics: (3, 3), pixels.
        distortion: Lens coefficients k1 k2 p1 p2 ..., None for a pinhole.
        image_wh: Size of the images that it is the camera of, None if unknown.
        origin: Where it comes from, for messages.
        is_guessed: Whether it is an assumption.
        sensor: The camera of the whole sensor, where this is the one of a part of it or of joined
            pixels.
    """

    intrinsics: np.ndarray
    distortion: np.ndarray | None = None
    image_wh: tuple[int, int] | None = None
    origin: str = 'camera'
    is_guessed: bool = False
    sensor: 'Camera | None' = None

    def for_image(self, image_wh: tuple[int, int]) -> 'Camera':
        """Return the camera of an image that may have been resized since the calibration.

        Raises:
            DataError: If the image has another aspect ratio.
        """
        if self.image_wh is None or self.image_wh == image_wh:
            return self
        if self.sensor is not None and self.sensor.image_wh == image_wh:
            return self.sensor
        scale = np.array(image_wh) / self.image_wh
        if abs(scale[0] / scale[1] - 1) > SAME_ASPECT:
            old, new = (f'{width}×{height}' for width, height in (self.image_wh, image_wh))
            is_turned = self.image_wh == image_wh[::-1]
            turned = ': it is turned, by its EXIF tag for example' if is_turned else ''
            raise DataError(
                f'is the camera of images of {old} pixels, but an image has {new}{turned}',
                argument='camera',
                place=FilePlace(self.origin),
                advice='Give the camera of this image',
            )
        intrinsics = self.intrinsics * np.array([[scale[0]], [scale[1]], [1.0]])
        return replace(self, intrinsics=intrinsics, image_wh=image_wh)

    def find_oddity(self, image_wh: tuple[int, int]) -> str:
        """Return what is unusual for a camera of images of this size, empty if nothing is."""
        (fx, fy), (cx, cy) = self.intrinsics[[0, 1], [0, 1]], self.intrinsics[:2, 2]
        width, height = image_wh
        of = f'for images of {width}×{height} pixels'
        if max(abs(cx / width - 0.5), abs(cy / height - 0.5)) > FARTHEST_CENTER:
            return f'its principal point ({cx:.1f}, {cy:.1f}) is far from the middle {of}'
        for focal in (fx, fy):
            if not SHORTEST_FOCAL <= focal / max(image_wh) <= LONGEST_FOCAL:
                return f'its focal length of {focal:.1f} pixels is unusual {of}'
        if not 1 / MOST_STRETCH <= fx / fy <= MOST_STRETCH:
            return f'its focal lengths {fx:.1f} and {fy:.1f} differ much'
        return ''


@dataclass(frozen=True)
class SceneCameras:
    """Cameras by the number of an image, as BOP's ``scene_camera.json`` has them.

    Attributes:
        cameras: Camera by number.
        origin: The file, for messages.
    """

    cameras: Mapping[int, Camera]
    origin: str

    def of_image(self, path: str) -> Camera:
        """Return the camera of the image whose name is its number.

        Raises:
            DataError: If there is none.
        """
        name = Path(path).stem
        number = int(name) if re.fullmatch('[0-9]{1,9}', name) else None
        if number is None or number not in self.cameras:
            raise DataError(
                f'has cameras by the number of an image, but none for {path}',
                argument='camera',
                place=FilePlace(self.origin),
                advice='Give images whose names are these numbers, such as 000012.png',
            )
        return self.cameras[number]
