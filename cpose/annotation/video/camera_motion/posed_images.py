"""Images of a reconstruction: names, cameras and poses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from cpose.apis.inference.calibration import Camera
from cpose.error_places import FilePlace
from cpose.errors import DataError

SHOWN_NAMES = 3


@dataclass(frozen=True)
class PosedImage:
    """An image of a reconstruction.

    Attributes:
        name: As the reconstruction calls it, a path below the folder of its pictures.
        camera: Its camera.
        cv_from_world: (4, 4), unit of the reconstruction.
    """

    name: str
    camera: Camera
    cv_from_world: np.ndarray


@dataclass(frozen=True)
class Reconstruction:
    """Where the camera was by a reconstruction or another program.

    Attributes:
        images: Those that have a pose.
        is_metric: Whether the unit is the metre.
        origin: File or folder, for messages.
        has_frame_numbers: Whether the names are numbers of the frames of a video, from 0.
    """

    images: Sequence[PosedImage]
    is_metric: bool
    origin: str
    has_frame_numbers: bool = False

    def by_frame(self, count: int) -> dict[int, PosedImage]:
        """Return the images by the number of the frame of a video that has so many.

        Raises:
            DataError: If the names are no such numbers.
        """
        numbers = [_number(image.name) for image in self.images]
        wrong = [
            image.name
            for image, number in zip(self.images, numbers, strict=True)
            if number is None or number >= count
        ]
        if wrong:
            raise DataError(
                f'has images such as {wrong[0]}, which is no number of a frame from 0 to '
                f'{count - 1}',
                argument='reconstruction',
                place=FilePlace(self.origin),
                advice='Give the folder of the pictures that it was made of in the place of the '
                'video',
            )
        pairs = zip(numbers, self.images, strict=True)
        return {number: image for number, image in pairs if number is not None}

    def by_name(self, paths: Mapping[int, str], folder: str) -> dict[int, PosedImage]:
        """Return the images by the number of the picture of that name.

        Args:
            paths: Paths of pictures by number, relative to their folder.
            folder: That folder, for messages.

        Raises:
            DataError: If no picture has the name of an image.
        """
        whole = {str(PurePosixPath(image.name)): image for image in self.images}
        stems: dict[str, list[PosedImage]] = {}
        for image in self.images:
            stems.setdefault(PurePosixPath(image.name).stem, []).append(image)
        found = {}
        for number, path in paths.items():
            same = stems.get(PurePosixPath(path).stem, [])
            if path in whole:
                found[number] = whole[path]
            elif len(same) == 1:
                found[number] = same[0]
        if not found:
            theirs = ', '.join(image.name for image in self.images[:SHOWN_NAMES])
            ours = ', '.join(list(paths.values())[:SHOWN_NAMES])
            raise DataError(
                f'has images called {theirs}, and the pictures are called {ours}',
                argument='reconstruction',
                place=FilePlace(self.origin),
                advice=f'Give the reconstruction of {folder}, or the folder of its pictures',
            )
        return found


def _number(name: str) -> int | None:
    stem = PurePosixPath(name).stem
    return int(stem) if re.fullmatch('[0-9]{1,9}', stem) else None
