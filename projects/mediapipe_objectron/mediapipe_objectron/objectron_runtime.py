"""The package as a model file that `cpose infer` and `cpose test` run."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cpose import __version__
from cpose.deploy.model_metadata import RGB_0_1, ModelMetadata
from cpose.deploy.runtimes.base import Runtime
from cpose.errors import ConfigError, check_number
from cpose.registry import RUNTIMES
from cpose.structures.camera import guess_intrinsics
from mediapipe_objectron.categories import choose_models
from mediapipe_objectron.detector import INPUT_SIDE, NUM_ANCHORS
from mediapipe_objectron.lifting import lift_dims
from mediapipe_objectron.litert_network import LiteRtNetwork
from mediapipe_objectron.package_files import DETECTOR, LABELS, read_package
from mediapipe_objectron.two_stages import CROP_SIDE, FoundObjects, TwoStages

KEYPOINT_OUTPUTS = ((18,), (1,))
NO_PEAK = -10000.0
"""Stands for a missing point: these networks have no heatmaps of corners."""


@RUNTIMES.register_module()
class ObjectronRuntime(Runtime):
    """Run MediaPipe's Objectron networks on the CPU.

    Args:
        path: The ``.tgz`` of the npm package, or its ``.data`` file, see `read_package`.
        device: ``cpu`` or None.
        categories: What to look for, see `CATEGORY_MODELS`; labels follow this order.
        input_wh: Width and height of the images that it gets, the test data's ``input_wh``. The
            image keeps its aspect ratio within them; smaller ones blur small objects.
        min_score: Smallest score of the detector; the threshold of a command acts above it.
        min_presence: Smallest probability of the second stage that a crop shows an object.
        max_objects: Most objects of an image.

    Raises:
        CheckpointError: If the package cannot be used.
        ConfigError: If an argument is wrong.
        MissingDependencyError: If LiteRT is not installed.
    """

    suffixes = ('.tgz', '.data')

    def __init__(
        self,
        path: str | Path,
        device: str | None = None,
        categories: Sequence[str] = ('shoe',),
        input_wh: Sequence[int] = (800, 800),
        min_score: float = 0.1,
        min_presence: float = 0.99,
        max_objects: int = 10,
    ) -> None:
        if device not in (None, 'cpu'):
            raise ConfigError(
                'is no device of LiteRT, which runs on the CPU',
                argument='device',
                value=device,
                advice='Use {device} cpu',
            )
        check_number('min_score', min_score, least=0, most=1)
        check_number('min_presence', min_presence, least=0, most=1)
        check_number('max_objects', max_objects, least=1, is_whole=True)
        self.path = Path(path)
        self.metadata = _metadata(tuple(categories), (input_wh[0], input_wh[1]))
        self._max_objects = max_objects
        self._find = open_stages(self.path, categories, min_score, min_presence, max_objects)

    def run(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return detections in input pixels of a batch (N, 3, H, W), RGB of 0 to 1."""
        rows = [self._run_image(image) for image in inputs]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    def describe(self) -> str:
        """Return version, threads and file."""
        threads = torch.get_num_threads()
        return f'LiteRT {version("ai-edge-litert")}, CPU, {threads} threads: {self.path}'

    def _run_image(self, image: Tensor) -> dict[str, Tensor]:
        top, bottom, left, right = find_content(image)
        content = image[:, top:bottom, left:right].permute(1, 2, 0).contiguous().numpy()
        found = self._find(content)
        intrinsics = guess_intrinsics(self.metadata.input_wh)
        return make_outputs(found, (left, top), intrinsics, self._max_objects)


def open_stages(
    path: Path,
    categories: Sequence[str],
    min_score: float,
    min_presence: float,
    max_objects: int,
) -> TwoStages:
    """Open the networks of the package for some categories; see `ObjectronRuntime`."""
    models = choose_models(categories)
    files = read_package(path, {model.file for model in models})
    names = files[LABELS].decode().splitlines()
    detector_outputs = ((NUM_ANCHORS, 4), (NUM_ANCHORS, len(names)))
    return TwoStages(
        LiteRtNetwork(files[DETECTOR], DETECTOR, INPUT_SIDE, detector_outputs),
        [
            LiteRtNetwork(files[model.file], model.file, CROP_SIDE, KEYPOINT_OUTPUTS)
            for model in models
        ],
        {
            names.index(name): category
            for category, model in enumerate(models)
            for name in model.detector_labels
        },
        min_score,
        min_presence,
        max_objects,
    )


def find_content(image: Tensor) -> tuple[int, int, int, int]:
    """Return first and last row and column, the last ones exclusive, inside a black frame.

    The detector expects stretched images: with the frame that keeps their aspect ratio its score
    for a shoe fell from 0.55 to 0.35. An image (3, H, W) that is black throughout stays whole.
    """
    is_lit = image.amax(dim=0) > 0
    if not is_lit.any():
        return 0, image.shape[1], 0, image.shape[2]
    rows, columns = (is_lit.any(dim=axis).nonzero().ravel() for axis in (1, 0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def make_outputs(
    found: FoundObjects, offset: tuple[int, int], intrinsics: np.ndarray, count: int
) -> dict[str, Tensor]:
    """Return objects as the outputs of an exported model, filled up with empty ones.

    Args:
        found: Objects of a part of the input.
        offset: Column and row of this part.
        intrinsics: (3, 3) camera of the input, with which the proportions are lifted.
        count: Rows of the outputs.

    Returns:
        The outputs by name, (count, ...) float32.
    """
    corners = found.keypoints[:, 1:] + offset
    points = corners.reshape(-1, 16)
    dims = [lift_dims(points_image, intrinsics) for points_image in corners]
    values = {
        'bboxes': found.bboxes + np.tile(offset, 2),
        'scores': found.scores[:, None],
        'kps': points,
        'clses': found.labels[:, None],
        'obj_scale': np.reshape(dims, (-1, 3)),
        'kps_displacement_mean': points,
        'kps_heatmap_mean': np.full_like(points, NO_PEAK),
    }
    rest = count - len(points)
    return {
        name: torch.from_numpy(np.pad(value, ((0, rest), (0, 0)))).float()
        for name, value in values.items()
    }


def _metadata(categories: tuple[str, ...], input_wh: tuple[int, int]) -> ModelMetadata:
    return ModelMetadata(
        cpose_version=__version__,
        class_names=categories,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        channel_order='rgb',
        input_encoding=RGB_0_1,
        stride=1,
        input_wh=input_wh,
        precision='fp16',
        quantize_target='',
        symmetry='',
        config='',
    )
