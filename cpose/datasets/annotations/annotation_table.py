"""The annotations of many images in a few arrays: small, and shared by worker processes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cpose.codecs.symmetries import encode_symmetric
from cpose.datasets.annotations.annotation import Annotation
from cpose.datasets.annotations.extras import pack_extras, unpack_extras
from cpose.datasets.annotations.object_fields import CLASS_BYTES
from cpose.errors import check_shape
from cpose.geometry.projection import MOST_COEFFICIENTS, pad_distortion, project_points
from cpose.structures.camera import gl_from_cv
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.pose_data_sample import CuboidAnnotations


@dataclass(frozen=True)
class PackedStrings:
    """An immutable sequence of strings.

    A list of Python strings is copied into every worker process as its reference counts change;
    arrays are not.

    Attributes:
        text: (bytes,) uint8, the strings one after another, as file names are encoded.
        ends: (count,) int64, where each string ends.
    """

    text: np.ndarray
    ends: np.ndarray

    @classmethod
    def pack(cls, strings: Iterable[str]) -> 'PackedStrings':
        """Store the given strings."""
        encoded = [string.encode('utf-8', 'surrogateescape') for string in strings]
        lengths = np.array([len(item) for item in encoded], dtype=np.int64)
        return cls(np.frombuffer(b''.join(encoded), dtype=np.uint8), np.cumsum(lengths))

    def is_whole(self) -> bool:
        """Tell whether both arrays, which come from a file, belong together."""
        is_text = self.text.ndim == self.ends.ndim == 1 and self.text.dtype == np.uint8
        if not (is_text and self.ends.dtype.kind == 'i'):
            return False
        bounds = np.concatenate([[0], self.ends, [len(self.text)]])
        return bool((np.diff(bounds) >= 0).all())

    def __len__(self) -> int:
        """Return the number of strings."""
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        """Return one string."""
        start = self.ends[index - 1] if index else 0
        return self.text[start : self.ends[index]].tobytes().decode('utf-8', 'surrogateescape')

    def tolist(self) -> list[str]:
        """Return all strings."""
        text, start, strings = self.text.tobytes(), 0, []
        for end in self.ends.tolist():
            strings.append(text[start:end].decode('utf-8', 'surrogateescape'))
            start = end
        return strings


IMAGE_DTYPE = np.dtype(
    [
        ('key', 'i8', 4),
        ('is_annotated', '?'),
        ('num_objects', 'i4'),
        ('image_wh', 'i4', 2),
        ('intrinsics', 'f8', (3, 3)),
        ('projection', 'f8', (3, 3)),
        ('distortion', 'f8', MOST_COEFFICIENTS),
        ('plane_gl', 'f8', (2, 3)),
    ]
)
"""One entry per image; matrices are NaN where absent, a lens without distortion is 0."""

OBJECT_DTYPE = np.dtype(
    [
        ('class_name', f'S{CLASS_BYTES}'),
        ('symmetric', 'i4'),
        ('visibility', 'f8'),
        ('dims_metric', 'f8', 3),
        ('keypoints_gl', 'f8', (9, 3)),
        ('keypoints_image', 'f8', (9, 2)),
    ]
)
"""One entry per object; ``symmetric`` as in `encode_symmetric`."""


@dataclass(frozen=True)
class AnnotationTable:
    """Annotations of a sequence of images.

    Attributes:
        paths: Image paths.
        images: (I,) of `IMAGE_DTYPE`.
        objects: (T,) of `OBJECT_DTYPE`, image after image.
        extras: T texts of `CuboidAnnotations.extras` as JSON, empty where an object has none.
        findings: I texts of `pack_findings`, empty where an image has none.
    """

    paths: PackedStrings
    images: np.ndarray
    objects: np.ndarray
    extras: PackedStrings
    findings: PackedStrings

    @classmethod
    def build(
        cls,
        paths: Sequence[str],
        keys: Sequence[tuple[int, int, int, int]],
        annotations: Sequence[Annotation | None],
        findings: Sequence[str] | None = None,
    ) -> 'AnnotationTable':
        """Store the given images; an annotation may be None."""
        images = np.zeros(len(paths), dtype=IMAGE_DTYPE)
        objects = np.zeros(sum(len(a.cuboids) for a in annotations if a), dtype=OBJECT_DTYPE)
        images['key'] = np.array(keys, dtype=np.int64).reshape(-1, 4)
        images[['intrinsics', 'projection', 'plane_gl']] = np.nan
        start = 0
        for image, annotation in zip(images, annotations, strict=True):
            if annotation is not None:
                end = start + len(annotation.cuboids)
                _fill_image(image, annotation)
                _fill_objects(objects[start:end], annotation)
                start = end
        texts = (text for item in annotations if item for text in pack_extras(item.cuboids))
        found = PackedStrings.pack([''] * len(paths) if findings is None else findings)
        return cls(PackedStrings.pack(paths), images, objects, PackedStrings.pack(texts), found)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def object_ranges(self) -> np.ndarray:
        """Return (I + 1,) where the objects of each image begin and end."""
        return np.concatenate([[0], np.cumsum(self.images['num_objects'], dtype=np.int64)])

    def select(self, index: np.ndarray) -> 'AnnotationTable':
        """Return the images of the given numbers, in that order."""
        index = np.asarray(index, dtype=np.int64)
        counts = self.images['num_objects'][index].astype(np.int64)
        starts = self.object_ranges()[index]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        of_objects = np.repeat(starts, counts) + within
        paths, extras, findings = (
            strings.tolist() for strings in (self.paths, self.extras, self.findings)
        )
        return AnnotationTable(
            PackedStrings.pack(paths[i] for i in index),
            self.images[index],
            self.objects[of_objects],
            PackedStrings.pack(extras[i] for i in of_objects),
            PackedStrings.pack(findings[i] for i in index),
        )

    def keep_objects(self, is_kept: np.ndarray) -> 'AnnotationTable':
        """Return all images with those of their objects (T,) that are kept."""
        owner = np.repeat(np.arange(len(self)), self.images['num_objects'])
        images = self.images.copy()
        images['num_objects'] = np.bincount(owner[is_kept], minlength=len(self))
        extras = self.extras.tolist()
        kept = PackedStrings.pack(extras[i] for i in np.flatnonzero(is_kept))
        return AnnotationTable(self.paths, images, self.objects[is_kept], kept, self.findings)

    @staticmethod
    def concatenate(tables: Sequence['AnnotationTable']) -> 'AnnotationTable':
        """Join tables; at least one."""
        if len(tables) == 1:
            return tables[0]
        return AnnotationTable(
            PackedStrings.pack(path for table in tables for path in table.paths.tolist()),
            np.concatenate([table.images for table in tables]),
            np.concatenate([table.objects for table in tables]),
            PackedStrings.pack(text for table in tables for text in table.extras.tolist()),
            PackedStrings.pack(text for table in tables for text in table.findings.tolist()),
        )


def annotations_of(
    image: np.void,
    objects: np.ndarray,
    labels: np.ndarray,
    extras: Sequence[str] = (),
    ignored_boxes: np.ndarray | None = None,
) -> CuboidAnnotations:
    """Return the objects of one image as the structure that travels with samples.

    Args:
        image: One entry of `AnnotationTable.images`.
        objects: (N,), its entries of `AnnotationTable.objects`.
        labels: (N,) int64 category numbers.
        extras: N, its entries of `AnnotationTable.extras`, or none.
        ignored_boxes: See `CuboidAnnotations`.
    """
    plane = image['plane_gl']
    return CuboidAnnotations(
        labels=np.array(labels, dtype=np.int64),
        keypoints_gl=objects['keypoints_gl'].copy(),
        keypoints_image=objects['keypoints_image'].copy(),
        dims_metric=objects['dims_metric'].copy(),
        visibility=objects['visibility'].copy(),
        plane_gl=None if np.isnan(plane).any() else plane.copy(),
        symmetric=objects['symmetric'].astype(np.int64),
        extras=unpack_extras(extras),
        ignored_boxes=ignored_boxes,
    )


def _fill_image(image: np.void, annotation: Annotation) -> None:
    image['is_annotated'] = True
    image['num_objects'] = len(annotation.cuboids)
    image['image_wh'] = annotation.image_wh
    for name in ('intrinsics', 'projection'):
        matrix = getattr(annotation, name)
        if matrix is not None:
            image[name] = matrix
    image['distortion'] = pad_distortion(annotation.distortion)
    if annotation.cuboids.plane_gl is not None:
        image['plane_gl'] = annotation.cuboids.plane_gl


def _fill_objects(objects: np.ndarray, annotation: Annotation) -> None:
    objects['class_name'] = [(name or '').encode() for name in annotation.class_names]
    objects['symmetric'] = [encode_symmetric(value) for value in annotation.symmetric]
    for name in ('visibility', 'dims_metric', 'keypoints_gl', 'keypoints_image'):
        objects[name] = getattr(annotation.cuboids, name)


def annotate_poses(
    labels: np.ndarray,
    camera_from_object: np.ndarray,
    dims_metric: np.ndarray,
    projection: np.ndarray,
    visibility: np.ndarray | None = None,
    symmetric: np.ndarray | None = None,
    extras: Mapping[str, np.ndarray] | None = None,
) -> CuboidAnnotations:
    """Return the annotation of posed cuboids. Letters: N objects.

    Args:
        labels: (N,) category numbers.
        camera_from_object: (N, 4, 4) rigid, metres, from the frame of the object (y up, z to its
            front, origin in the middle of the cuboid) to the OpenCV camera frame.
        dims_metric: (N, 3) extents along object x, y, z, metres.
        projection: (3, 3) from OpenCV camera points to pixels, without distortion.
        visibility: (N,) 0 to 1; None for 1.
        symmetric: See `CuboidAnnotations`.
        extras: See `CuboidAnnotations`.

    Raises:
        ValueError: If a shape does not fit.
    """
    count = len(labels)
    check_shape('camera_from_object', camera_from_object, (count, 4, 4))
    check_shape('dims_metric', dims_metric, (count, 3))
    check_shape('projection', projection, (3, 3))
    rotation, location = camera_from_object[:, :3, :3], camera_from_object[:, None, :3, 3]
    keypoints_cv = cuboid_keypoints(dims_metric) @ rotation.transpose(0, 2, 1) + location
    return CuboidAnnotations(
        labels=np.asarray(labels, dtype=np.int64),
        keypoints_gl=gl_from_cv(keypoints_cv),
        keypoints_image=project_points(keypoints_cv, projection),
        dims_metric=np.asarray(dims_metric, dtype=np.float64),
        visibility=np.ones(count) if visibility is None else visibility,
        symmetric=symmetric,
        extras=extras or {},
    )
