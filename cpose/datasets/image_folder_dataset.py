"""Images without annotations."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpose.datasets.annotations.annotation_table import PackedStrings
from cpose.datasets.annotations.file_index import scan_folder
from cpose.datasets.base_dataset import PoseDataset
from cpose.errors import ConfigError
from cpose.files.outputs import note_input
from cpose.registry import DATASETS
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.image_record import ImageRecord


@DATASETS.register_module()
class ImageFolderDataset(PoseDataset):
    """All images of one or several folders and their sub-folders; JSON files are not read.

    Args:
        data_root: Folder, image file, or a list of them.
        pipeline: Configs of the transforms.
        metainfo: ``category``, ``symmetry`` and ``eval_num_symmetry``, one value or a list each.
        input_wh: Width and height of the network input, multiples of 32.
        seed: First part of the seed of the augmentation.
        camera: ``(fx, fy, cx, cy)`` of all images, pixels, perhaps with the skew as the fifth;
            None if unknown.
    """

    def __init__(
        self,
        data_root: str | Sequence[str],
        pipeline: Sequence[Mapping[str, Any]],
        metainfo: Mapping[str, Any] | None = None,
        input_wh: tuple[int, int] = (512, 512),
        seed: int = 0,
        camera: Sequence[float] | None = None,
    ) -> None:
        super().__init__(pipeline, metainfo, input_wh, seed)
        self._intrinsics = None if camera is None else _make_intrinsics(camera)
        roots = [data_root] if isinstance(data_root, str) else list(data_root)
        self._paths = PackedStrings.pack(path for root in roots for path in _image_paths(root))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._paths)

    def load_record(self, index: int) -> ImageRecord:
        """Return path and camera of one image."""
        camera = None if self._intrinsics is None else self._intrinsics.copy()
        return ImageRecord(image_path=self._paths[index], intrinsics=camera)


def _make_intrinsics(camera: Sequence[float]) -> np.ndarray:
    is_list = isinstance(camera, Sequence) and not isinstance(camera, str)
    numbers = [value for value in camera if isinstance(value, int | float)] if is_list else []
    is_whole = len(numbers) in (4, 5) and len(numbers) == len(camera)
    if not is_whole or not np.isfinite(numbers).all() or min(numbers[:2]) <= 0:
        raise ConfigError(
            'is no camera',
            argument='camera',
            value=camera,
            advice='Give fx, fy, cx and cy in pixels, fx and fy above 0, perhaps with the skew as '
            'the fifth number',
        )
    return intrinsic_matrix(*numbers)


def _image_paths(root: str) -> list[str]:
    note_input(root)
    if os.path.isfile(root):
        return [root]
    return [os.path.join(root, image.path) for image in scan_folder(root).images]
