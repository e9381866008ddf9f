"""Where the intrinsics of a picture come from: a file, its EXIF data, numbers, or the boxes."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cpose.apis.inference.calibration import Camera
from cpose.datasets.annotations.tao_writer import describe_camera
from cpose.files.image_header import EXIF, JPEG_START, jpeg_segments
from cpose.files.json_files import JsonFields
from cpose.geometry.projection import DISTORTION_LENGTHS
from cpose.structures.camera import guess_intrinsics, intrinsic_matrix

SOURCES = {
    'estimated': 'estimated from the placed corners',
    'typed': 'typed',
    'exif': 'focal length of the EXIF data, principal point in the middle',
    'file': 'a camera file or numbers of the command line',
    'annotation': 'an annotation made elsewhere',
    'picture': 'another picture of the same camera',
    'guessed': 'a typical phone was assumed',
    'board': 'determined from the board in the video',
    'reconstruction': 'a reconstruction of the scene',
}
"""What the name of a source stands for; ``camera_data.intrinsics_source`` says it."""
EXIF_FOLDER, FOCAL_IN_35MM = 0x8769, 0xA405
DIAGONAL_OF_35MM = float(np.hypot(36, 24))
MOST_FOCAL = 1e6


@dataclass(frozen=True)
class PictureCamera:
    """The camera of one picture.

    Attributes:
        source: One of `SOURCES`.
        intrinsics: (3, 3) pixels; a guess or the last estimate if the source is ``estimated``.
        distortion: Lens coefficients k1 k2 p1 p2 ..., None for a pinhole.
    """

    source: str
    intrinsics: np.ndarray
    distortion: np.ndarray | None = None

    @property
    def is_estimated(self) -> bool:
        """Whether the focal length follows from the boxes."""
        return self.source == 'estimated'

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        (fx, _, cx), (_, fy, cy), _ = self.intrinsics.tolist()
        lens = None if self.distortion is None else self.distortion.tolist()
        return {'source': self.source, 'fx': fx, 'fy': fy, 'cx': cx, 'cy': cy, 'distortion': lens}

    def to_content(self, image_wh: tuple[int, int]) -> dict[str, Any]:
        """Return the field ``camera_data`` of an annotation file."""
        return {
            **describe_camera(image_wh, self.intrinsics, self.distortion),
            'intrinsics_source': self.source,
            'intrinsics_from': SOURCES[self.source],
        }

    def is_same(self, other: 'PictureCamera') -> bool:
        """Tell whether it is the same camera from the same source."""
        return self.to_json() == other.to_json()


def parse_camera(fields: JsonFields, known: Mapping[str, PictureCamera]) -> PictureCamera:
    """Read the camera that the page sends.

    Args:
        fields: As `PictureCamera.to_json` writes them. Only the numbers of typed ones and of other
            pictures are taken from there.
        known: The other cameras that the picture may have, by source.

    Raises:
        DataError: If a value is wrong.
    """
    source = str(fields.value('source'))
    if source in known and source not in ('typed', 'picture'):
        return known[source]
    if source not in ('typed', 'picture'):
        raise fields.error('source', f'must be one of typed, picture, {", ".join(known)}')
    fx, fy, cx, cy = (float(fields.array(name, ())) for name in ('fx', 'fy', 'cx', 'cy'))
    for name, value in (('fx', fx), ('fy', fy)):
        if not 0 < value < MOST_FOCAL:
            raise fields.error(name, 'must be a focal length in pixels, above 0')
    lens = None
    if fields.has('distortion'):
        given = fields.value('distortion')
        if not isinstance(given, list) or len(given) not in DISTORTION_LENGTHS:
            raise fields.error('distortion', f'must be one of {DISTORTION_LENGTHS} numbers')
        lens = fields.array('distortion', (len(given),))
    return PictureCamera(source, intrinsic_matrix(fx, fy, cx, cy), lens)


def known_cameras(
    content: bytes, image_wh: tuple[int, int], given: Camera | None
) -> dict[str, PictureCamera]:
    """Return the cameras that a picture may have, the most trusted first.

    Args:
        content: The bytes of the picture.
        image_wh: Width and height of its pixels, pixels.
        given: Camera of the command line for this picture.
    """
    known = {}
    if given is not None:
        known['file'] = PictureCamera('file', given.intrinsics, given.distortion)
    focal = read_exif_focal(content, image_wh)
    if focal is not None:
        width, height = image_wh
        camera = intrinsic_matrix(focal, focal, width / 2, height / 2)
        known['exif'] = PictureCamera('exif', camera)
    known['estimated'] = PictureCamera('estimated', guess_intrinsics(image_wh))
    return known


def read_exif_focal(content: bytes, image_wh: tuple[int, int]) -> float | None:
    """Return the focal length in pixels by the EXIF data of a JPEG, None if it does not say.

    The equivalent focal length of 35 mm film is relative to the diagonal of the picture. It counts
    a digital zoom; a picture that was cropped later has a longer one.
    """
    if not content.startswith(JPEG_START):
        return None
    try:
        for marker, start, end in jpeg_segments(content):
            if marker == 0xE1 and content[start : start + 6] == EXIF:
                focal_mm = _read_focal(content[start + 6 : end])
                return focal_mm and focal_mm / DIAGONAL_OF_35MM * float(np.hypot(*image_wh))
    except (struct.error, IndexError):
        pass
    return None


def _read_focal(exif: bytes) -> float | None:
    """Return the equivalent focal length, millimetres."""
    order = {b'II': '<', b'MM': '>'}.get(exif[:2])
    if order is None:
        return None
    (first,) = struct.unpack_from(f'{order}L', exif, 4)
    folder = _find_tag(exif, order, first, EXIF_FOLDER, 'L')
    focal = folder and _find_tag(exif, order, folder, FOCAL_IN_35MM, 'H')
    return float(focal) if focal else None


def _find_tag(exif: bytes, order: str, start: int, wanted: int, letter: str) -> int | None:
    (count,) = struct.unpack_from(f'{order}H', exif, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from(f'{order}H', exif, place)
        if tag == wanted:
            return int(struct.unpack_from(f'{order}{letter}', exif, place + 8)[0])
    return None
