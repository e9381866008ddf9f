"""What the exchangeable parts of the codec promise each other.

Letters: B batch, S symmetric candidates, M objects, K = 8 corners, T detections, N kept detections,
H W the maps. Heatmap cells have their origin in the middle of the first cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from cpose.codecs.detections import Detections
from cpose.codecs.targets import PoseTargets, TargetGeometry
from cpose.geometry.pnp import CuboidPose
from cpose.geometry.weighted_pnp import PoseVectors
from cpose.structures.object_pose import ObjectPose
from cpose.structures.pose_data_sample import PoseDataSample

ReadPlace = Literal['map', 'corner', 'center']
"""Where a branch is read: everywhere, at the cells of corners, or at the cells of centres."""


@dataclass(frozen=True)
class Output:
    """One decoded value of every detection.

    Attributes:
        size: Numbers per detection: the length of the last axis.
        unit: ``'cells'`` (heatmap cells), ``'relative'`` (parts of the object's height),
            ``'metres'``, or what else it is measured in; empty for scores and numbers without one.
    """

    size: int
    unit: str = ''


class Branch(Protocol):
    """One output of the head: all that the rest of the program knows of it.

    The config names it: ``model.head.branches.<name>``. The constructor takes ``name``,
    ``num_classes`` and ``loss``, of which the head fills in the first two; a class attribute
    ``default_loss`` takes the place of a ``loss`` that the config does not name.

    Attributes:
        name: Key of the raw map, and of the weights in a checkpoint.
        step: Association step that feeds it, from 0: centre, corners, dimensions.
        read_at: Where the loss reads it.
        loss: Config of its loss; None for a branch that is not trained on its own.
        is_silent_untrained: Whether its map has no peaks as long as nothing trains it.
    """

    name: str
    step: int
    read_at: ReadPlace
    loss: Mapping[str, Any] | None
    is_silent_untrained: bool

    @property
    def log_variance_type(self) -> str | None:
        """Return the branch of the logarithmic variance of its values, for losses that need one."""

    @property
    def channels(self) -> int:
        """Return the channels of the raw map."""

    @property
    def is_trained(self) -> bool:
        """Return whether any loss reads it."""

    @property
    def outputs(self) -> Mapping[str, Output]:
        """Return the decoded values by name. They are the outputs of an exported model."""

    @property
    def extras(self) -> Mapping[str, str]:
        """Return what it adds to `ObjectPose.extras`: name to unit."""

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return the targets of a batch by name, (B, S, M, ...) float32 or bool."""

    def draw(self, targets: PoseTargets, heatmap_hw: tuple[int, int]) -> Tensor:
        """Return the heatmaps (B, S, channels, H, W), 0 to 1, of a branch that is read everywhere.

        Raises:
            NotImplementedError: For any other branch.
        """

    def read(self, targets: PoseTargets) -> tuple[Tensor, Tensor, Tensor]:
        """Return cells (B, S, E) int64, target (B, S, E, channels) and mask of the same shape.

        E are the entries: objects, or objects times corners.
        """

    def activate(self, values: Tensor) -> Tensor:
        """Return what raw values (..., channels) mean, in the unit of the target."""

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return its outputs, (B, T, size) float32, without a branch on any value."""

    def to_extras(
        self, decoded: Mapping[str, np.ndarray], image_from_heatmap: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return its extras, (N, ...) float64, in units of the original image.

        Args:
            decoded: Its outputs, (N, size) each.
            image_from_heatmap: (2, 3) affine from cells to pixels of the original image.
        """


class Codec(Protocol):
    """Turn annotated cuboids into targets, and raw maps into detections."""

    @property
    def branches(self) -> Sequence[Branch]:
        """What there is a raw map of."""

    @property
    def stride(self) -> int:
        """Input pixels per heatmap cell."""

    @property
    def num_select(self) -> int:
        """Detections per image."""

    def encode(
        self,
        samples: Sequence[PoseDataSample],
        device: torch.device | str = 'cpu',
        heatmap_hw: tuple[int, int] | None = None,
    ) -> PoseTargets:
        """Return the targets of a batch; raises ValueError where a sample has no candidates."""

    def draw_heatmaps(self, targets: PoseTargets, heatmap_hw: tuple[int, int]) -> dict[str, Tensor]:
        """Return (B, S, channels, H, W), 0 to 1, of every branch that is read everywhere."""

    def decode(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs of all branches by name, (B, T, size) float32."""


class Symmetry(Protocol):
    """The ways in which an object looks the same.

    Attributes:
        order: Number of candidates.
    """

    order: int

    def candidates(self, keypoints: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return keypoints (order, 9, 3) and dims (order, 3) of (9, 3) and (3,); given first."""


class CenterRule(Protocol):
    """Where the centre of an object is."""

    def place(self, boxes_heatmap: np.ndarray, centers_heatmap: np.ndarray) -> np.ndarray:
        """Return the centres (..., 2), cells, of boxes (..., 4) and projected centres (..., 2)."""


class CornerRule(Protocol):
    """Where corners are, and which of them are trained."""

    def place(self, corners_heatmap: np.ndarray) -> np.ndarray:
        """Return the corner positions to encode, (..., 2) cells."""

    def has_displacement(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a displacement target, (...) bool."""

    def has_heatmap(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a peak, (...) bool."""


class DimsCoder(Protocol):
    """What the branch of the dimensions predicts.

    Attributes:
        unit: Of the decoded extents: ``'relative'`` or ``'metres'``.
    """

    unit: str

    def encode(self, dims_metric: np.ndarray) -> np.ndarray:
        """Return the target, (..., 3), of metric extents (..., 3)."""

    def decode(self, dims: Tensor) -> Tensor:
        """Return the extents, (..., 3), of a prediction (..., 3)."""


class PointSource(Protocol):
    """Which points go to PnP."""

    def choose(self, displaced: np.ndarray, peaks: np.ndarray) -> np.ndarray:
        """Return two estimates of each corner, (N, 8, 2, 2) pixels, NaN where missing."""


class PoseSolver(Protocol):
    """Find the pose of a cuboid; ``needs_std`` is False.

    Attributes:
        needs_std: Whether it is a `WeightedPoseSolver`.
    """

    needs_std: bool

    def __call__(
        self, corners_object: np.ndarray, points_image: np.ndarray, camera: np.ndarray
    ) -> PoseVectors:
        """Return rotation vector and location, (3,) each, OpenCV camera frame.

        Args:
            corners_object: (P, 3), unit of the dimensions.
            points_image: (P, 2), pixels.
            camera: (3, 3) pixels.

        Raises:
            cv2.error: If OpenCV refuses the points.
        """


class WeightedPoseSolver(Protocol):
    """Find the pose of a cuboid with the predicted error of its points; ``needs_std`` is True."""

    needs_std: bool

    def __call__(
        self,
        corners_object: np.ndarray,
        points_image: np.ndarray,
        camera: np.ndarray,
        points_std: np.ndarray,
    ) -> PoseVectors:
        """Return rotation vector and location, (3,) each, OpenCV camera frame.

        Args:
            corners_object: (P, 3), unit of the dimensions.
            points_image: (P, 2), pixels.
            camera: (3, 3) pixels.
            points_std: (P, 2), pixels, along x and y.

        Raises:
            cv2.error: If OpenCV refuses the points.
        """


class DimsRefiner(Protocol):
    """Correct the predicted dimensions once a pose is known."""

    def __call__(
        self, points_image: np.ndarray, dims: np.ndarray, pose: CuboidPose, intrinsics: np.ndarray
    ) -> np.ndarray:
        """Return the extents (3,) from points (16, 2) in pixels, NaN where missing, and dims."""


class Postprocessor(Protocol):
    """Turn detections into objects in the original image.

    Attributes:
        stride: Input pixels per heatmap cell.
        eval_score_thr: Score that objects must exceed in evaluation, 0 to 1.
        infer_score_thr: The same in inference.
    """

    stride: int
    eval_score_thr: float
    infer_score_thr: float

    def __call__(
        self,
        decoded: Mapping[str, Tensor | np.ndarray],
        samples: Sequence[PoseDataSample],
        score_thr: float | None = None,
    ) -> list[list[ObjectPose]]:
        """Return the objects of every image, best score first."""
