"""The outputs of the head, each described once: shape, target, loss, decoded value.

Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an RGB
Image" (ICRA 2022), figure 2. The names of their outputs are those of exported models. Letters:
B batch, S symmetric candidates, M objects, E entries, K = 8 corners, H W the maps.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from cpose.building import with_wiring
from cpose.codecs.base import Branch, Output, ReadPlace
from cpose.codecs.detections import Detections
from cpose.codecs.targets import PoseTargets, TargetGeometry
from cpose.errors import ConfigError
from cpose.registry import BRANCHES, CODECS, MODELS
from cpose.structures.cuboid import NUM_CORNERS

CENTER_STEP, CORNER_STEP, DIMS_STEP = 0, 1, 2
"""Association steps of the head."""


class CenterBranch:
    """Base of branches that are read at the centre of each object; see `Branch`.

    A subclass says at least ``channels``, ``target`` and, with ``encode``, what that is.

    Args:
        loss: Config of its loss; None leaves it untrained.
        name: Key of the raw map, filled in by the head.
        num_classes: Number of categories, filled in by the head.
    """

    channels: int
    step: int = CENTER_STEP
    read_at: ReadPlace = 'center'
    is_silent_untrained: bool = False
    log_variance_type: str | None = None
    target: ClassVar[str] = ''
    """Key of the target; a mask of the same shape may stand under the key with ``_mask``."""
    outputs: Mapping[str, Output] = {}
    extras: Mapping[str, str] = {}
    default_loss: ClassVar[Mapping[str, Any] | None] = None
    """Loss of a config that does not say ``loss``."""

    def __init__(
        self, loss: Mapping[str, Any] | None = None, name: str = '', num_classes: int = 1
    ) -> None:
        self.loss = loss
        self.name = name
        self.num_classes = num_classes

    @property
    def is_trained(self) -> bool:
        """Return whether any loss reads it."""
        return self.loss is not None

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return the targets by name; none here."""
        return {}

    def draw(self, targets: PoseTargets, heatmap_hw: tuple[int, int]) -> Tensor:
        """Return heatmaps; a branch that is read at objects has none.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f'{type(self).__name__} is no heatmap.')

    def read(self, targets: PoseTargets) -> tuple[Tensor, Tensor, Tensor]:
        """Return the cells of the centres, target and mask."""
        target = targets[self.target]
        whole = targets['object_mask'][..., None].expand_as(target)
        return targets['center_index'], target, targets.get(f'{self.target}_mask', whole)

    def activate(self, values: Tensor) -> Tensor:
        """Return the values as they are."""
        return values

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return the outputs; without one of their own, the activated value of the first."""
        return {name: self.activate(detections.read(self.name)) for name in self.outputs}

    def to_extras(
        self, decoded: Mapping[str, np.ndarray], image_from_heatmap: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the extras by name; none here."""
        return {}


@BRANCHES.register_module()
class BoxSizeBranch(CenterBranch):
    """Width and height of the 2D box, cells."""

    channels = 2
    target = 'box_size_wh'
    outputs: Mapping[str, Output] = {'bboxes': Output(4, 'cells')}

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return the size of each box."""
        return {self.target: np.where(geometry.mask[..., None], geometry.box_wh, 0)}

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return left, top, right, bottom."""
        return {'bboxes': detections.bboxes}


@BRANCHES.register_module()
class CenterOffsetBranch(CenterBranch):
    """Part of a cell by which the centre lies beyond its cell; `Detections.bboxes` reads it."""

    channels = 2
    target = 'center_offset'

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return centre minus cell."""
        offset = geometry.center - geometry.center_cell
        return {self.target: np.where(geometry.mask[..., None], offset, 0)}


@BRANCHES.register_module()
class CornerDisplacementBranch(CenterBranch):
    """Corners relative to the cell of the centre, cells: x1, y1, x2, ..."""

    channels = 2 * NUM_CORNERS
    step = CORNER_STEP
    log_variance_type = 'CornerStdBranch'
    target = 'keypoint_displacement'
    outputs: Mapping[str, Output] = {'kps_displacement_mean': Output(2 * NUM_CORNERS, 'cells')}

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return displacements, and which of them count."""
        shown = geometry.has_displacement
        displacement = geometry.corners - geometry.center_cell[..., None, :]
        filled = np.where(shown[..., None], displacement, 0)
        return {
            self.target: filled.reshape(*geometry.mask.shape, self.channels),
            f'{self.target}_mask': np.repeat(shown, 2, axis=-1),
        }

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return the corners."""
        return {'kps_displacement_mean': detections.displaced.flatten(2)}


@BRANCHES.register_module()
class DimsBranch(CenterBranch):
    """Extents along x, y, z.

    Args:
        coder: Config of what is predicted, for example ``dict(type='RelativeDims')``.
        loss: Config of its loss; None leaves it untrained.
        name: Key of the raw map, filled in by the head.
        num_classes: Number of categories, filled in by the head.
    """

    channels = 3
    step = DIMS_STEP
    log_variance_type = 'DimsStdBranch'
    target = 'dims'
    outputs: Mapping[str, Output] = {'obj_scale': Output(3)}
    """The unit is that of the coder."""
    is_by_category = False
    """Whether a prediction means something else for each category, see `activate_by_category`."""

    def __init__(
        self,
        coder: Mapping[str, Any],
        loss: Mapping[str, Any] | None = None,
        name: str = '',
        num_classes: int = 1,
    ) -> None:
        super().__init__(loss, name, num_classes)
        self.coder = CODECS.build(dict(coder))
        count = len(getattr(self.coder, 'references', ()))
        self.is_by_category = count > 1
        if count not in (0, 1, num_classes):
            raise ConfigError(
                f'has {count} lists for {num_classes} categories',
                argument='coder.reference',
                advice='Give one for all, or one each',
            )
        self.outputs = {'obj_scale': Output(3, getattr(self.coder, 'unit', ''))}

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return the extents as the coder wants them."""
        dims = self.coder.encode(geometry.dims_metric)
        return {self.target: np.where(geometry.mask[..., None], dims, 0)}

    def activate(self, values: Tensor) -> Tensor:
        """Return the extents of a prediction."""
        dims: Tensor = self.coder.decode(values)
        return dims

    def activate_by_category(self, values: Tensor, labels: Tensor) -> Tensor:
        """Return the extents of a prediction (..., 3) of objects with labels (...), int64."""
        dims: Tensor = self.coder.decode(values, labels)
        return dims

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return the extents."""
        values = detections.read(self.name)
        if self.is_by_category:
            return {'obj_scale': self.activate_by_category(values, detections.classes)}
        return {'obj_scale': self.activate(values)}


@BRANCHES.register_module()
class CornerOffsetBranch(CenterBranch):
    """Part of a cell by which a corner lies beyond its cell, read at corners.

    `Detections.matched` reads it at the peaks of the corner heatmaps.
    """

    channels = 2
    step = CORNER_STEP
    read_at: ReadPlace = 'corner'
    target = 'keypoint_offset'

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return corner minus cell, (B, S, M, K, 2)."""
        offset = geometry.corners - geometry.corner_cell
        return {self.target: np.where(geometry.has_peak[..., None], offset, 0)}

    def read(self, targets: PoseTargets) -> tuple[Tensor, Tensor, Tensor]:
        """Return the cells of the corners, target and mask, E = M K."""
        index = targets['keypoint_index'].flatten(2)
        target = targets[self.target].flatten(2, 3)
        mask = targets['keypoint_mask'].flatten(2)[..., None].expand_as(target)
        return index, target, mask


def build_branches(configs: Mapping[str, Any], num_classes: int) -> tuple[Branch, ...]:
    """Build the branches of a head, and those of variances that their losses need.

    Args:
        configs: ``branches`` of the head: config by name, in the order of the losses; None leaves a
            branch of a base out.
        num_classes: Number of categories.

    Raises:
        ConfigError: If a part of the config does not fit.
    """
    branches: list[Branch] = []
    for name, config in configs.items():
        if config is not None:
            kind = BRANCHES.get(str(config.get('type')))
            given = {'loss': getattr(kind, 'default_loss', None), **config}
            wiring = {'name': name, 'num_classes': num_classes}
            branch: Branch = BRANCHES.build(with_wiring(f'branches.{name}', given, **wiring))
            branches += [branch, *_log_variance_branches(branch)]
    _check_unique(branches)
    return tuple(branches)


def _log_variance_branches(branch: Branch) -> list[Branch]:
    loss = MODELS.get(str(branch.loss.get('type'))) if branch.loss else None
    if branch.log_variance_type is None or not getattr(loss, 'needs_log_variance', False):
        return []
    return [BRANCHES.build({'type': branch.log_variance_type, 'of': branch})]


def _check_unique(branches: Sequence[Branch]) -> None:
    for kind in ('outputs', 'extras'):
        owner: dict[str, str] = {}
        for branch in branches:
            for name in getattr(branch, kind):
                if name in owner:
                    raise ConfigError(
                        f'has {name!r} twice among the {kind}, '
                        f'of {owner[name]!r} and {branch.name!r}',
                        argument='branches',
                        advice='Give them different names',
                    )
                owner[name] = branch.name
