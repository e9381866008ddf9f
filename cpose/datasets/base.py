"""Contracts of data sources and transforms, and the border between the two.

A data source yields an `ImageRecord`, typed and never changed. Transforms are those of MMCV: a
dict goes in, a dict comes out. `open_record` is the one place where the first becomes the second;
`PackPoseInputs` ends the dict with a `PoseDataSample`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypedDict, runtime_checkable

import numpy as np

from cpose.structures.image_record import ImageRecord
from cpose.structures.pose_data_sample import CuboidAnnotations


@runtime_checkable
class RecordSource(Protocol):
    """A data set of images, registered in DATASETS.

    `PoseDataset` is its base class: a subclass writes ``__len__`` and ``load_record`` and inherits
    the rest. Every process that loads data has a copy, so what is large stands in arrays.
    """

    @property
    def metainfo(self) -> Mapping[str, Sequence[Any]]:
        """``category``, ``symmetry`` and ``eval_num_symmetry``, one entry per category."""

    def __len__(self) -> int:
        """Return the number of images."""

    def __getitem__(self, index: int, /) -> Any:
        """Return the image of a number from 0 on, after the pipeline."""

    def load_record(self, index: int) -> ImageRecord:
        """Return what is known about one image; the same for the same index and epoch.

        Its arrays belong to the caller: transforms may change them in place.

        Raises:
            DataError: If it cannot be used; the message names file and field. With
                ``on_error='skip'`` the next image then stands in for it.
        """

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of the objects of one image, for `ClassBalancedDataset`."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, from 0 on, of augmentation and fresh images."""


@runtime_checkable
class Transform(Protocol):
    """One step of a pipeline, registered in TRANSFORMS; the classes of MMCV are such steps."""

    def __call__(self, results: dict[str, Any], /) -> dict[str, Any] | None:
        """Return the dict of `PipelineItem`, changed; None leaves the image out.

        What a step draws by chance comes from ``rng``, else augmentation depends on workers.

        Raises:
            DataError: If the image cannot be used.
        """


class PipelineItem(TypedDict, total=False):
    """Keys of the dict that goes through the pipeline. Letters: N objects, S candidates.

    From the record: ``img_path``, ``intrinsics`` (3, 3) and ``projection`` (3, 3), both of the
    original image and None if unknown, ``distortion``, None for a pinhole, ``annotations`` (None
    without annotation) and ``symmetries``, one per object; ``img`` (H, W, 3) uint8 BGR and
    ``image_wh`` where the record has them, else `LoadPoseImage` adds them.

    From the data set: ``input_wh`` of the network in pixels, ``rng`` of this image in this epoch,
    ``sample_idx``, its number, and ``max_objs``, how many objects get targets, None for all.

    Later: ``input_from_image`` (2, 3) of the affine that made ``img`` the network input, and the
    ``cand_*`` of `ExpandSymmetries`: labels (N,), centers (N, 2) and corners (N, S, 8, 2) in
    original pixels, dims (N, S, 3), mask (N, S) bool.
    """

    img_path: str
    intrinsics: np.ndarray | None
    projection: np.ndarray | None
    distortion: np.ndarray | None
    annotations: CuboidAnnotations | None
    symmetries: Sequence[Any]
    img: np.ndarray
    image_wh: tuple[int, int]
    input_wh: tuple[int, int]
    rng: np.random.Generator
    sample_idx: int
    max_objs: int | None
    input_from_image: np.ndarray
    cand_labels: np.ndarray
    cand_centers: np.ndarray
    cand_corners: np.ndarray
    cand_dims: np.ndarray
    cand_mask: np.ndarray


def open_record(
    record: ImageRecord,
    input_wh: tuple[int, int],
    rng: np.random.Generator,
    symmetries: Sequence[Any] = (),
    max_objs: int | None = None,
) -> dict[str, Any]:
    """Return the dict that goes into the pipeline, with the arrays of the record themselves.

    Args:
        record: What the data source says.
        input_wh: Width and height of the network input, pixels.
        rng: Source of chance for the augmentation of this image.
        symmetries: One per object, where the record has none.
        max_objs: How many objects get targets, None for all.
    """
    projection = record.pixel_projection
    if projection is not None and projection is record.intrinsics:
        projection = projection.copy()
    item: PipelineItem = {
        'img_path': record.image_path,
        'intrinsics': record.intrinsics,
        'projection': projection,
        'distortion': record.distortion,
        'annotations': record.annotations,
        'symmetries': symmetries if record.symmetries is None else record.symmetries,
        'input_wh': input_wh,
        'rng': rng,
        'max_objs': max_objs,
    }
    if record.image is not None:
        item['img'] = record.image
    if record.image_wh is not None:
        item['image_wh'] = record.image_wh
    return dict(item)
