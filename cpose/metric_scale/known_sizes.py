"""Scale from the size of the objects: what the user measured, or what the model predicts."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from cpose.errors import ConfigError, check_number, nearest_names
from cpose.metric_scale.base import Cuboid, Found, KnownLength, View
from cpose.registry import SCALE_SOURCES, SYMMETRIES
from cpose.structures.cuboid import UNIT_KEYPOINTS
from cpose.structures.object_pose import PoseResult

EXTENTS = {'width': 0, 'height': 1, 'length': 2}
"""Axis of each extent."""
RELATIVE_STD = 0.01
"""Of a known extent without a tolerance: a ruler, and edges that are round."""

Extent = float | Sequence[float]
"""Metres, or metres and their standard deviation."""


@SCALE_SOURCES.register_module()
class KnownDimensions:
    """Take extents that are known of a category, or of the one object that is looked at.

    Several extents of an object correct its proportions and its pose too. Where a category may be
    described with any side as its front, as boxes, width and length go to the sides that they suit
    best; one of them alone cannot tell which side it is, and is refused.

    Args:
        width: Along x, metres, perhaps with a standard deviation, or these by category; None where
            it is not known.
        height: Along y, likewise.
        length: Along z, likewise.

    Raises:
        ConfigError: If no extent is given, or one is not above 0.
    """

    name = 'known_dimensions'

    def __init__(
        self,
        width: Extent | Mapping[str, Extent] | None = None,
        height: Extent | Mapping[str, Extent] | None = None,
        length: Extent | Mapping[str, Extent] | None = None,
    ) -> None:
        given = {'width': width, 'height': height, 'length': length}
        self._by_axis = {
            EXTENTS[name]: _by_category(name, value)
            for name, value in given.items()
            if value is not None
        }
        if not self._by_axis:
            raise ConfigError(
                'is needed, or another extent', argument='height', advice='Give it in metres'
            )
        self._meta: Mapping[str, Any] = {}

    @property
    def dataset_meta(self) -> Mapping[str, Any]:
        """Meta information of the data set, for names and symmetries.

        Raises:
            ConfigError: At setting, if an extent is of a category that is not there.
        """
        return self._meta

    @dataset_meta.setter
    def dataset_meta(self, meta: Mapping[str, Any]) -> None:
        self._meta = meta
        for axis, by in self._by_axis.items():
            for name in set(by) - {'', *meta.get('category', ())}:
                raise ConfigError(
                    f'names the category {name!r}, which the model does not know',
                    argument=next(key for key, place in EXTENTS.items() if place == axis),
                    advice=nearest_names(name, meta.get('category', ())),
                )

    def find_lengths(self, result: PoseResult, view: View) -> list[Found]:
        """Return the known extents of each pose."""
        return [self._find(pose.label, pose.dims) for pose in result.poses]

    def _find(self, label: int, dims: np.ndarray) -> Found:
        categories = self.dataset_meta.get('category', ())
        category = categories[label] if label < len(categories) else ''
        known = {
            axis: by[category if category in by else '']
            for axis, by in self._by_axis.items()
            if category in by or '' in by
        }
        if not known:
            return f'no extent of the category {category} is known'
        if self._has_equal_sides(label) and (0 in known or 2 in known):
            if not (0 in known and 2 in known):
                return 'width and length of this category cannot be told apart; both are needed'
            if (known[0][0] > known[2][0]) != (dims[0] > dims[2]):
                known = {**known, 0: known[2], 2: known[0]}
        return [
            KnownLength(metres, std, partial(_extent, axis=axis))
            for axis, (metres, std) in known.items()
        ]

    def _has_equal_sides(self, label: int) -> bool:
        """Return whether x and z of a category change places among its labellings."""
        symmetries = self.dataset_meta.get('symmetry', ())
        if label >= len(symmetries):
            return False
        _, axes = SYMMETRIES.build(dict(symmetries[label])).candidates(UNIT_KEYPOINTS, np.arange(3))
        return bool((np.asarray(axes)[:, 0] == 2).any())


@SCALE_SOURCES.register_module()
class ModelDimensions:
    """Take the sizes of a model that was trained to predict metres (coder `AbsoluteDims`)."""

    name = 'model'

    def find_lengths(self, result: PoseResult, view: View) -> list[Found]:
        """Return that a unit of each pose is a metre."""
        return [[KnownLength(1.0, 0.0, _unit)] for _ in result.poses]


def _extent(cuboid: Cuboid, axis: int) -> float:
    return float(cuboid.dims[axis])


def _unit(cuboid: Cuboid) -> float:
    return 1.0


def _by_category(name: str, value: Extent | Mapping[str, Extent]) -> dict[str, tuple[float, float]]:
    """Return metres and standard deviation by category, '' for all others."""
    by = value if isinstance(value, Mapping) else {'': value}
    return {category: _read_extent(name, extent) for category, extent in by.items()}


def _read_extent(name: str, extent: Extent) -> tuple[float, float]:
    numbers: list[Any] = list(extent) if isinstance(extent, list | tuple) else [extent]
    if len(numbers) not in (1, 2):
        raise ConfigError(
            'must be metres, or metres and their standard deviation', argument=name, value=extent
        )
    check_number(name, numbers[0], above=0.0)
    std = numbers[1] if len(numbers) == 2 else RELATIVE_STD * numbers[0]
    check_number(name, std, least=0.0)
    return float(numbers[0]), float(std)
