"""What the exchangeable parts of a network promise each other; all are registered in MODELS.

Letters: B batch, S symmetric candidates, E entries of a branch, M objects, H W the maps. Images
are normalised, channels as the preprocessor of the model gives them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor

from cpose.codecs.base import Codec
from cpose.codecs.targets import PoseTargets
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample


@runtime_checkable
class Backbone(Protocol):
    """From images to maps of several strides, finest first.

    A module; the neck is built from its two attributes.
    """

    @property
    def out_channels(self) -> Sequence[int]:
        """Channels of each map."""

    @property
    def out_strides(self) -> Sequence[int]:
        """Input pixels per cell of each map; for the necks here each twice the one before."""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return maps (B, out_channels[i], H / out_strides[i], W / out_strides[i]).

        Args:
            images: (B, 3, H, W), with what is known of the frame before behind it where the
                preprocessor gives that; H and W are multiples of the coarsest stride.
        """

    def __call__(self, images: Tensor, /) -> tuple[Tensor, ...]:
        """Do the same, as modules are called."""


@runtime_checkable
class Neck(Protocol):
    """From the maps of a backbone to one map; a module.

    The detector fills in the arguments ``in_channels`` and ``in_strides``.

    Raises:
        ConfigError: On building, if the maps do not fit.
    """

    @property
    def out_channels(self) -> int:
        """Channels of the map."""

    @property
    def out_stride(self) -> int:
        """Input pixels per cell of the map."""

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return the map (B, out_channels, H / out_stride, W / out_stride)."""

    def __call__(self, features: Sequence[Tensor], /) -> Tensor:
        """Do the same, as modules are called."""


@runtime_checkable
class Head(Protocol):
    """From the map of a neck to losses or poses; a module.

    The detector fills in the arguments ``in_channels`` and ``stride``. Exported models and runtimes
    read the attributes ``codec`` and ``postprocessor``.
    """

    num_classes: int

    def forward(self, feature: Tensor) -> dict[str, Tensor]:
        """Return the raw maps (B, channels, H, W) by branch, logits, of (B, in_channels, H, W)."""

    def __call__(self, feature: Tensor, /) -> dict[str, Tensor]:
        """Do the same, as modules are called."""

    def loss(self, feature: Tensor, samples: Sequence[PoseDataSample]) -> dict[str, Tensor]:
        """Return weighted scalars by name; those that contain ``loss`` are added up.

        Raises:
            ConfigError: If a label of the samples has no centre heatmap.
        """

    def predict(self, feature: Tensor, samples: Sequence[PoseDataSample]) -> list[PoseResult]:
        """Return the poses of every image, pixels of the original image, best score first."""


@runtime_checkable
class Criterion(Protocol):
    """The total loss of a head; the head fills in the argument ``branches``."""

    def forward(
        self, maps: Mapping[str, Tensor], targets: PoseTargets, codec: Codec
    ) -> dict[str, Tensor]:
        """Return weighted scalars ``loss_<branch>``.

        Args:
            maps: Raw maps (B, channels, H, W) by branch.
            targets: Indexed targets of S candidates.
            codec: Draws the heatmaps.
        """


@runtime_checkable
class MapLoss(Protocol):
    """Loss of a branch that is read everywhere, ``reads = ('map',)``."""

    loss_weight: float

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the unweighted loss (B, S) of logits (B, C, H, W) and maps (B, S, C, H, W)."""


@runtime_checkable
class IndexedLossTerm(Protocol):
    """Loss of a branch that is read at objects or corners, see `IndexedLoss`, its base class."""

    loss_weight: float
    needs_log_variance: bool

    def forward(
        self, prediction: Tensor, target: Tensor, log_variance: Tensor | None = None
    ) -> Tensor:
        """Return the elementwise loss of tensors of one shape, (B, S, E, D), unweighted.

        Args:
            prediction: Values of the branch.
            target: What they shall be, in the unit of the branch.
            log_variance: Logarithm of the predicted variance of each, if asked for.
        """


@runtime_checkable
class TargetLoss(Protocol):
    """Loss that looks up its own targets."""

    loss_weight: float

    def forward(self, displacement: Tensor, targets: PoseTargets) -> Tensor:
        """Return the unweighted loss (B, S) of a raw map (B, channels, H, W)."""


@runtime_checkable
class SymmetryAssignment(Protocol):
    """Which symmetric candidate of an object is its target."""

    def forward(
        self,
        targets: PoseTargets,
        row_losses: Callable[[], dict[str, Tensor]],
        object_costs: Callable[[], Tensor],
    ) -> Tensor:
        """Return the candidate of every object, (B, M) int64, called without gradient.

        Args:
            targets: Indexed targets with S rows.
            row_losses: Returns every weighted loss of every row, (B, S) each.
            object_costs: Returns the regression cost of every candidate, (B, S, M).
        """
