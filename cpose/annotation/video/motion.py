"""Where the camera was in each frame of a video, and how that is written down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cpose.files.json_files import MAX_SIDE, JsonFields
from cpose.geometry.projection import DISTORTION_LENGTHS

BOARD, RECONSTRUCTION, FIXED = 'board', 'reconstruction', 'fixed'
KINDS = (BOARD, RECONSTRUCTION, FIXED)


@dataclass(frozen=True)
class Frame:
    """A frame that can be annotated.

    Attributes:
        name: Of its picture and its annotation, without ending.
        number: In the video, or among the pictures, from 0.
        intrinsics: (3, 3) pixels.
        distortion: Lens coefficients k1 k2 p1 p2 ..., None for a pinhole.
        cv_from_world: (4, 4), unit of the world; the identity where the object moves.
    """

    name: str
    number: int
    intrinsics: np.ndarray
    distortion: np.ndarray | None = None
    cv_from_world: np.ndarray = field(default_factory=lambda: np.eye(4))

    @property
    def camera_world(self) -> np.ndarray:
        """Return (3,) where the camera is."""
        return np.asarray(-self.cv_from_world[:3, :3].T @ self.cv_from_world[:3, 3])

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        lens = None if self.distortion is None else self.distortion.tolist()
        return {
            'name': self.name,
            'number': self.number,
            'intrinsics': self.intrinsics.tolist(),
            'distortion': lens,
            'cv_from_world': self.cv_from_world.tolist(),
        }


@dataclass(frozen=True)
class Motion:
    """The cameras of all frames that can be annotated.

    Attributes:
        kind: One of `KINDS`: by a board or a reconstruction; a fixed camera before which the
            object moves.
        image_wh: Width and height of all frames, pixels.
        frames: In the order of the video.
        is_metric: Whether the unit of the world is the metre.
        intrinsics_source: See `cpose.annotation.server.cameras.SOURCES`.
        plane_world: (2, 3) a point of the ground and its normal, which points up; None if unknown.
        expected: (3,) where the object is likely to be; None if the object moves.
        made_of: The video and the settings, which tell whether a folder belongs to them.
    """

    kind: str
    image_wh: tuple[int, int]
    frames: tuple[Frame, ...]
    is_metric: bool
    intrinsics_source: str
    plane_world: np.ndarray | None = None
    expected: np.ndarray | None = None
    made_of: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def by_number(self) -> dict[int, Frame]:
        """Return the frames by their number."""
        return {frame.number: frame for frame in self.frames}

    @property
    def is_moved(self) -> bool:
        """Whether the object moves and not the camera."""
        return self.kind == FIXED

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            'kind': self.kind,
            'image_wh': list(self.image_wh),
            'is_metric': self.is_metric,
            'intrinsics_source': self.intrinsics_source,
            'plane_world': None if self.plane_world is None else self.plane_world.tolist(),
            'expected': None if self.expected is None else self.expected.tolist(),
            'made_of': self.made_of,
            'frames': [frame.to_json() for frame in self.frames],
        }


def parse_motion(fields: JsonFields) -> Motion:
    """Read what `Motion.to_json` wrote.

    Raises:
        DataError: If a field is missing or wrong.
    """
    size = fields.array('image_wh', (2,))
    if not ((size >= 1) & (size <= MAX_SIDE)).all():
        raise fields.error('image_wh', f'must be two numbers from 1 to {MAX_SIDE}')
    width, height = size.astype(int).tolist()
    kind = fields.value('kind')
    if kind not in KINDS:
        raise fields.error('kind', f'must be one of {", ".join(KINDS)}')
    return Motion(
        kind=kind,
        image_wh=(width, height),
        frames=tuple(_parse_frame(item) for item in fields.list_of_fields('frames')),
        is_metric=fields.value('is_metric') is True,
        intrinsics_source=str(fields.value('intrinsics_source')),
        plane_world=_array_or_none(fields, 'plane_world', (2, 3)),
        expected=_array_or_none(fields, 'expected', (3,)),
        made_of=fields.fields('made_of').rest(()),
    )


def _parse_frame(item: JsonFields) -> Frame:
    lens, name = None, item.value('name')
    is_file_name = isinstance(name, str) and Path(name).name == name and '\0' not in name
    if not is_file_name or not name or name.startswith('.'):
        raise item.error('name', 'must be the name of a file without a folder')
    if item.has('distortion'):
        given = item.value('distortion')
        if not isinstance(given, list) or len(given) not in DISTORTION_LENGTHS:
            raise item.error('distortion', f'must be one of {DISTORTION_LENGTHS} numbers')
        lens = item.array('distortion', (len(given),))
    return Frame(
        name=name,
        number=int(float(item.array('number', ()))),
        intrinsics=item.array('intrinsics', (3, 3)),
        distortion=lens,
        cv_from_world=item.array('cv_from_world', (4, 4)),
    )


def _array_or_none(fields: JsonFields, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    return fields.array(name, shape) if fields.has(name) else None


def gaze(frames: Sequence[Frame]) -> np.ndarray:
    """Return the point (3,) that the optical axes of all cameras come nearest to.

    Axes that are almost parallel have none; the point is then as far before the cameras as they
    are apart.
    """
    axes = np.array([frame.cv_from_world[2, :3] for frame in frames])
    places = np.array(
        [-frame.cv_from_world[:3, :3].T @ frame.cv_from_world[:3, 3] for frame in frames]
    )
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    spread = float(np.linalg.norm(np.ptp(places, axis=0))) or 1.0
    weak = 1e-4 * len(frames) * np.eye(3)
    ahead = (places + spread * axes).mean(axis=0)
    total = across.sum(axis=0) + weak
    return np.linalg.solve(total, np.einsum('nij,nj->i', across, places) + weak @ ahead)
