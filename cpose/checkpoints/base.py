"""What a family of published weights, and a file format, have to offer.

A plugin registers a class of these kinds.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from torch import Tensor


class Dropped(NamedTuple):
    """Tensors that are left out.

    Attributes:
        pattern: What their names have in common, a regular expression.
        keys: Their names in the file.
        reason: Why no output depends on them.
    """

    pattern: str
    keys: tuple[str, ...]
    reason: str


class Normalisation(NamedTuple):
    """What images looked like when the weights were trained; as in `PoseDataPreprocessor`.

    Attributes:
        mean: Per channel in ``channel_order``, for pixels of 0 to 1.
        std: Per channel in ``channel_order``, for pixels of 0 to 1.
        channel_order: ``'rgb'`` or ``'bgr'``.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channel_order: str


class WeightFamily(Protocol):
    """One way of naming the parameters of a network.

    A class of `cpose.registry.WEIGHT_FAMILIES`, built without arguments. Its registered name is
    what `detect_family` answers. Deriving from this class gives the defaults; deriving from
    `cpose.checkpoints.renaming.RenamingFamily` gives everything but ``recognise`` from two tables.

    Attributes:
        title: What people call the weights.
        is_backbone: Whether they fill a backbone only, for ``pretrained_path``.
        normalisation: What the images of the training were normalised by, where that is known.
    """

    title: str = 'published weights'
    is_backbone: bool = False
    normalisation: Normalisation | None = None

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """Tell from names and shapes whether tensors are of this family.

        No two families may recognise the same tensors. It looks at names, or at shapes; it never
        raises.
        """
        ...

    def rename(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors by the names in `CenterPose`; nothing is changed in place.

        Those of a backbone begin with ``backbone.``, also where ``is_backbone`` is true. Every
        tensor is renamed, or left out because it has no effect on any output.

        Raises:
            CheckpointError: If tensors have no counterpart; lists them.
        """
        ...

    def dropped(self, state_dict: Mapping[str, Tensor]) -> list[Dropped]:
        """Tell which tensors `rename` leaves out, and why."""
        return []


class CheckpointFormat(Protocol):
    """One kind of files with weights, besides the archives of PyTorch.

    A class of `cpose.registry.CHECKPOINT_FORMATS`, built without arguments.

    Attributes:
        suffixes: Endings of its files, in lower case.
    """

    suffixes: tuple[str, ...]

    def read(self, file: Path) -> dict[str, Any]:
        """Return the content of a file, encrypted or not, without running any of it.

        It is a bare dict of tensors, or has them under ``state_dict`` and facts about them, such as
        the config as JSON text (``config_json``), under ``meta``.

        Raises:
            CheckpointError: If the file is cut off, damaged or of another format.
        """
        ...

    def write(self, stream: BinaryIO, checkpoint: Mapping[str, Any]) -> None:
        """Write ``state_dict`` and ``meta``, which holds only what JSON can hold.

        Raises:
            CheckpointError: If there is more than these two.
        """
        ...
