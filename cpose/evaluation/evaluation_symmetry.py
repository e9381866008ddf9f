"""What evaluation regards as the same pose of a category."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np

from cpose.codecs.symmetries import SYMMETRIC_ABSENT
from cpose.errors import ConfigError, check_number, nearest_names
from cpose.registry import SYMMETRIES, find_registered
from cpose.structures.cuboid import cuboid_keypoints

MAX_ROTATIONS = 3600
"""Tenths of a degree; every one is compared with every prediction."""
PROBE_DIMS = np.array([1.0, 2.0, 3.0])


@dataclass(frozen=True)
class EvaluationSymmetry:
    """Symmetry of a category, or of single objects of it, in evaluation.

    Attributes:
        keypoint_orders: (R, 9) which keypoint takes each place in descriptions of the same solid
            with another front, the annotated one first.
        axis_orders: (R, 3) the same for the extents.
        num_rotations: Number of equally spaced rotations about the up axis that count as equal.
    """

    keypoint_orders: np.ndarray
    axis_orders: np.ndarray
    num_rotations: int = 1

    @property
    def azimuth_period_deg(self) -> float:
        """Return the rotation after which azimuths count as equal."""
        return 360.0 / lcm(len(self.keypoint_orders), self.num_rotations)

    def by_object(self, symmetric: np.ndarray) -> Iterator[tuple['EvaluationSymmetry', np.ndarray]]:
        """Sort objects of this category by what counts as equal for them.

        Their own annotation wins: none, or rotations of its number.

        Args:
            symmetric: (N,) as in `CuboidAnnotations`.

        Yields:
            A symmetry and the numbers of the objects that have it.
        """
        orders = np.maximum(symmetric, SYMMETRIC_ABSENT)
        for order in sorted(set(orders.tolist())):
            is_own = order != SYMMETRIC_ABSENT
            symmetry = build_evaluation_symmetry(None, max(order, 1)) if is_own else self
            yield symmetry, np.flatnonzero(orders == order)


def build_evaluation_symmetry(
    symmetry: Mapping[str, Any] | None = None, num_rotations: int = 1
) -> EvaluationSymmetry:
    """Derive what counts as equal from the meta information of a category.

    Of the registered symmetries those count that rename the corners of the same solid; rotations
    of the solid are set by ``num_rotations`` alone, as in TAO PyTorch 6.25.10.

    Args:
        symmetry: Config of a class in `SYMMETRIES`.
        num_rotations: ``eval_num_symmetry``, at least 1.

    Raises:
        ConfigError: If the symmetry is unknown or the number of rotations is not a positive
            whole number.
    """
    check_number(
        'metainfo.eval_num_symmetry',
        num_rotations,
        least=1,
        most=MAX_ROTATIONS,
        is_whole=True,
        advice='100 suits round objects',
    )
    group = SYMMETRIES.build(_known_symmetry(symmetry))
    points = cuboid_keypoints(PROBE_DIMS)
    candidates, dims = group.candidates(points, PROBE_DIMS)
    distances = np.linalg.norm(candidates[:, :, None] - points, axis=-1)
    if not np.allclose(distances.min(axis=2), 0, atol=1e-9):
        return EvaluationSymmetry(np.arange(9)[None], np.arange(3)[None], num_rotations)
    axes = np.abs(dims[:, :, None] - PROBE_DIMS).argmin(axis=2)
    return EvaluationSymmetry(distances.argmin(axis=2), axes, num_rotations)


def _known_symmetry(symmetry: Mapping[str, Any] | None) -> dict[str, Any]:
    config = {'type': 'NoSymmetry'} if symmetry is None else dict(symmetry)
    name = config.get('type')
    if isinstance(name, str) and find_registered(SYMMETRIES, name) is None:
        raise ConfigError(
            'is unknown',
            argument='metainfo.symmetry.type',
            value=name,
            advice=nearest_names(name, SYMMETRIES.module_dict),
        )
    return config
