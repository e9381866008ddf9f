"""What travels with an image through training and testing. Arrays only, numpy, one image.

Letters: N objects, S symmetric candidates per object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from cpose.errors import check_shape
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.previous_frame import PreviousFrame


@dataclass(frozen=True)
class CuboidAnnotations:
    """Annotated objects of one image, untouched by augmentation.

    Attributes:
        labels: (N,) int64 category numbers.
        keypoints_gl: (N, 9, 3) metres, Objectron camera frame; NaN where not annotated.
        keypoints_image: (N, 9, 2) centre and corners, image pixels, sub-pixel where known.
        dims_metric: (N, 3) extents along x, y, z, metres (or relative, as annotated).
        visibility: (N,) 0 to 1, 1 where not annotated.
        plane_gl: (2, 3) a point and the normal of the ground plane, Objectron frame, or None.
        symmetric: (N,) whole numbers, the annotated symmetry of each object: −1 not annotated,
            −2 that of its category, 0 none, else the number of equivalent rotations; None where
            no object has one.
        extras: Further annotated quantities by name, (N, ...) float64 each, NaN for an object
            without one. Untouched by augmentation, as all of these.
        ignored_boxes: (R, 4) left, top, right, bottom of image regions that the metric ignores,
            pixels, or None.
    """

    labels: np.ndarray
    keypoints_gl: np.ndarray
    keypoints_image: np.ndarray
    dims_metric: np.ndarray
    visibility: np.ndarray
    plane_gl: np.ndarray | None = None
    symmetric: np.ndarray | None = None
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    ignored_boxes: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        count = len(self.labels)
        check_shape('keypoints_gl', self.keypoints_gl, (count, 9, 3))
        check_shape('keypoints_image', self.keypoints_image, (count, 9, 2))
        check_shape('dims_metric', self.dims_metric, (count, 3))
        check_shape('visibility', self.visibility, (count,))
        if self.plane_gl is not None:
            check_shape('plane_gl', self.plane_gl, (2, 3))
        if self.symmetric is not None:
            check_shape('symmetric', self.symmetric, (count,))
        if self.ignored_boxes is not None:
            check_shape('ignored_boxes', self.ignored_boxes, (None, 4))
        for name, array in self.extras.items():
            check_shape(f'extras[{name!r}]', array, (count, *np.shape(array)[1:]))

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.labels)


@dataclass(frozen=True)
class CuboidCandidates:
    """Training targets of one image: every symmetric version of every object.

    Attributes:
        labels: (N,) int64 category numbers.
        centers_input: (N, 2) projected cuboid centre, input pixels.
        corners_input: (N, S, 8, 2) input pixels, sub-pixel.
        is_corner_in_image: (N, S, 8) bool, inside the original image.
        is_center_in_image: (N,) bool, projected centre inside the original image.
        dims_metric: (N, S, 3) extents, permuted with the candidate.
        is_candidate: (N, S) bool, False for padding of objects with fewer candidates.
    """

    labels: np.ndarray
    centers_input: np.ndarray
    corners_input: np.ndarray
    is_corner_in_image: np.ndarray
    is_center_in_image: np.ndarray
    dims_metric: np.ndarray
    is_candidate: np.ndarray

    def __post_init__(self) -> None:
        """Check the shapes."""
        count, rows = np.shape(self.is_candidate)
        check_shape('labels', self.labels, (count,))
        check_shape('centers_input', self.centers_input, (count, 2))
        check_shape('corners_input', self.corners_input, (count, rows, 8, 2))
        check_shape('is_corner_in_image', self.is_corner_in_image, (count, rows, 8))
        check_shape('is_center_in_image', self.is_center_in_image, (count,))
        check_shape('dims_metric', self.dims_metric, (count, rows, 3))

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.labels)


@dataclass(frozen=True)
class PoseDataSample:
    """Everything known about one network input besides its pixels.

    Attributes:
        image_path: File, or a name for images without one.
        image_wh: Width and height of the original image, pixels.
        input_wh: Width and height of the network input, pixels.
        input_from_image: (2, 3) affine that maps original pixels to input pixels.
        intrinsics: (3, 3) of the original image, pixels, or None if unknown.
        candidates: Training targets, None in testing.
        annotations: Annotation for the metric, None without annotation.
        distortion: Lens coefficients k1 k2 p1 p2 ..., None for a pinhole.
        projection: (3, 3) that maps OpenCV camera points to the annotated pixels; None where it
            equals the intrinsics. The two differ by about two pixels in files made from Objectron.
        is_replacement: Whether it stands in for an image that could not be read; evaluation
            leaves it out.
        is_camera_guessed: Whether the intrinsics are an assumption.
        previous: What networks that follow objects get of the frame before; None where there is
            none, or for other networks.
    """

    image_path: str
    image_wh: tuple[int, int]
    input_wh: tuple[int, int]
    input_from_image: np.ndarray = field(repr=False)
    intrinsics: np.ndarray | None = field(default=None, repr=False)
    candidates: CuboidCandidates | None = field(default=None, repr=False)
    annotations: CuboidAnnotations | None = field(default=None, repr=False)
    distortion: np.ndarray | None = field(default=None, repr=False)
    projection: np.ndarray | None = field(default=None, repr=False)
    is_replacement: bool = False
    is_camera_guessed: bool = False
    previous: PreviousFrame | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the shapes."""
        check_shape('input_from_image', self.input_from_image, (2, 3))
        for name in ('intrinsics', 'projection'):
            if getattr(self, name) is not None:
                check_shape(name, getattr(self, name), (3, 3))


def first_views(batch: Mapping[str, Any], key: str = 'data_samples') -> Sequence[Any]:
    """Return one entry per image of a batch.

    With test-time augmentation a batch has lists of entries, one for each way in which the images
    are seen; the first ones stand for the images.
    """
    samples = batch['data_samples']
    is_augmented = bool(samples) and isinstance(samples[0], list | tuple)
    entries: Sequence[Any] = batch[key][0] if is_augmented else batch[key]
    return entries


def make_results(
    samples: Sequence[PoseDataSample],
    found: Sequence[list[ObjectPose]],
    categories: Sequence[str] = (),
) -> list[PoseResult]:
    """Return what a user receives for images and the poses found in them.

    Args:
        samples: What is known of the images.
        found: The poses of each.
        categories: Names by label, for poses that do not tell theirs.
    """
    return [
        PoseResult(
            sample.image_path,
            sample.image_wh,
            sample.intrinsics,
            [name_category(pose, categories) for pose in poses],
            sample.distortion,
            is_camera_guessed=sample.is_camera_guessed,
        )
        for sample, poses in zip(samples, found, strict=True)
    ]


def name_category(pose: ObjectPose, categories: Sequence[str]) -> ObjectPose:
    """Return a pose with the name of its category, as far as it is known."""
    if pose.category is not None or pose.label >= len(categories):
        return pose
    return replace(pose, category=categories[pose.label])


def field_arrays(record: CuboidAnnotations | CuboidCandidates) -> dict[str, np.ndarray]:
    """Return the arrays of a record by field name, without ``extras`` and fields that are None."""
    values = {item.name: getattr(record, item.name) for item in fields(record)}
    values.pop('extras', None)
    return {name: value for name, value in values.items() if value is not None}
