"""What a data source says of one image: pixels or a file, the camera, and annotated cuboids."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cpose.errors import check_shape
from cpose.structures.pose_data_sample import CuboidAnnotations


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """One image before the pipeline; what is unknown is None. Letters: N objects.

    Attributes:
        image_path: File, or a name for an image without one; messages and results show it.
        image: (H, W, 3) uint8 BGR, or None to read the file.
        image_wh: Width and height in pixels as annotated; None takes those of the image.
        intrinsics: (3, 3) pinhole matrix, pixels, or None if the camera is unknown.
        projection: (3, 3) from OpenCV camera points to the annotated pixels; None takes the
            intrinsics. The two differ by about two pixels in files made from Objectron.
        distortion: Lens coefficients k1 k2 p1 p2 ..., or None for a pinhole.
        annotations: The annotated objects, or None for an image without annotation.
        symmetries: One object of the registry SYMMETRIES for each annotated one; None takes those
            of ``annotations.symmetric`` and the categories.

    Raises:
        ValueError: If a shape or a number of objects does not fit.
    """

    image_path: str
    image: np.ndarray | None = field(default=None, repr=False)
    image_wh: tuple[int, int] | None = None
    intrinsics: np.ndarray | None = field(default=None, repr=False)
    projection: np.ndarray | None = field(default=None, repr=False)
    distortion: np.ndarray | None = field(default=None, repr=False)
    annotations: CuboidAnnotations | None = field(default=None, repr=False)
    symmetries: Sequence[Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check what the shapes must have in common."""
        if self.image is not None:
            width, height = self.image_wh or (None, None)
            check_shape('image', self.image, (height, width, 3))
        for name in ('intrinsics', 'projection'):
            if getattr(self, name) is not None:
                check_shape(name, getattr(self, name), (3, 3))
        if self.symmetries is not None and len(self.symmetries) != self.num_objects:
            raise ValueError(
                f'ImageRecord of {self.image_path} has {len(self.symmetries)} symmetries for '
                f'{self.num_objects} objects. Give one each, or None.'
            )

    @property
    def num_objects(self) -> int:
        """Number of annotated objects."""
        return 0 if self.annotations is None else len(self.annotations)

    @property
    def pixel_projection(self) -> np.ndarray | None:
        """(3, 3) from OpenCV camera points to annotated pixels, None if unknown."""
        return self.intrinsics if self.projection is None else self.projection


@dataclass(frozen=True, kw_only=True)
class CompleteRecord(ImageRecord):
    """A record of which everything but a projection of its own is known, such as a drawn one."""

    image: np.ndarray = field(repr=False)
    image_wh: tuple[int, int]
    intrinsics: np.ndarray = field(repr=False)
    annotations: CuboidAnnotations = field(repr=False)
    symmetries: Sequence[Any] = field(repr=False)
