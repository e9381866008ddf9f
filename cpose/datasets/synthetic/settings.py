"""Settings of the synthetic pictures: sizes of boxes, how often effects are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

import numpy as np

from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform
from cpose.errors import ConfigError, check_settings

LEAST, MOST = 0.18, 3.2
"""Range of width and depth as a multiple of the height."""

FAMILIES = WeightedChoice(
    {
        ((0.55, 1.15), (0.18, 0.45)): 0.22,
        ((0.75, 1.35), (0.75, 1.35)): 0.16,
        ((1.1, 3.0), (0.8, 2.4)): 0.24,
        ((0.22, 0.8), (0.22, 0.8)): 0.14,
        ((0.2, 3.0), (0.2, 3.0)): 0.24,
    }
)
"""Range of width and range of depth relative to the height: cereal box, cube, lying carton, tall
carton, anything."""


THIN, LONG = (0.08, 0.22), (0.12, 0.3)
"""Shortest side of a thin box, and the two short sides of a long one, relative to the longest."""


def sample_dims(
    rng: np.random.Generator, sides: tuple[float, float] = (LEAST, MOST), slender: float = 0.0
) -> np.ndarray:
    """Sample extents (3,) along x, y, z in metres; the longest side is 8 to 50 cm.

    Args:
        rng: The only source of randomness.
        sides: Bounds of width and depth as a multiple of the height.
        slender: Probability of a thin or a long box, along any axis and whatever ``sides`` says.
    """
    if slender > 0 and rng.random() < slender:
        return _sample_slender(rng)
    width_range, depth_range = FAMILIES.sample(rng)
    width, depth = log_uniform(rng, *width_range), log_uniform(rng, *depth_range)
    if rng.random() < 0.5:
        width, depth = depth, width
    least, most = sides
    dims = min(max(width, least), most), 1.0, min(max(depth, least), most)
    return np.array(dims) * (log_uniform(rng, 0.08, 0.5) / max(dims))


def _sample_slender(rng: np.random.Generator) -> np.ndarray:
    is_thin = rng.random() < 0.6
    others = (log_uniform(rng, 0.4, 1.0), log_uniform(rng, *THIN))
    if not is_thin:
        others = (log_uniform(rng, *LONG), log_uniform(rng, *LONG))
    return rng.permutation([1.0, *others]) * log_uniform(rng, 0.1, 0.5)


STEEPEST_PITCH = 90
MOST_ITEMS = 100
"""Of each sort of things in a picture; more cover everything, and take long to paint."""
SMALLEST_SPAN, LARGEST_SPAN = 0.03, 1.1
"""Boxes beyond these are too small to be seen or do not fit into the image."""


@dataclass(frozen=True)
class RealismSettings:
    """Probabilities from 0 to 1 and ranges (least, most) of what surrounds the boxes.

    Attributes:
        box_span: Diagonal of a box over its depth, as a share of the longer image side.
        sides: Width and depth of a box as multiples of its height.
        pitch_deg: Angle of the camera below the horizon, degrees; the lower quarter is likelier.
        odd_camera: Probability of an unusual lens, and of a camera that is held askew.
        rolled: Probability of a camera rolled by ``roll_deg``.
        roll_deg: Range of that roll to either side, degrees; smaller ones are likelier.
        free_pose: Probability that a box floats or leans with any rotation.
        hands: Probability that a box in the air is held by hands.
        stacks: Probability that a further box stands on another or close beside it.
        slender: Probability of a thin or long box, beyond ``sides``.
        flaps: Probability that a carton is open, with flaps.
        negatives: Share of pictures without any box, full of what may be taken for one.
        cut_off: Probability that a box may reach over the border of the picture.
        print_density: How much is printed on the boxes, 0 nothing to 1 as on cereal boxes.
        flat_items: Number of things lying flat on the plane: papers, keyboards, cables.
        upright_items: Number of upright panels behind the boxes: screens, pictures, windows.
        loose_items: Number of flat things at any angle: phones, signs, pictures, screens.
        people: Number of persons behind the boxes.
        solids: Number of round distractors on the plane: cups, bottles, balls.
        props: Number of objects of other shapes on the plane, if the data set has any.
        printed_solids: Probability of a print around one of them, as on cans and bottles.
        occluder: Probability of something that covers part of a box.
        reflection: Probability of a glossy plane that mirrors the boxes.
        shadow_strength: Darkest part of a cast shadow, 0 none to 1 black.
        defocus: Probability that what is behind the boxes is out of focus.
        blur: Probability of defocus or motion blur.
        noise: Probability of sensor noise.
        compression: Probability of JPEG artefacts.
        tone: Probability of changed exposure, white balance, contrast and vignetting.
        window_light: Probability of strong light from one side, up to white.
        webcam: Probability of the picture of a cheap video camera.
        grey: Probability of a picture without colour.
    """

    box_span: tuple[float, float] = (0.2, 0.95)
    sides: tuple[float, float] = (LEAST, MOST)
    pitch_deg: tuple[float, float] = (0.0, 58.0)
    odd_camera: float = 0.2
    rolled: float = 0.0
    roll_deg: tuple[float, float] = (18.0, 180.0)
    free_pose: float = 0.0
    hands: float = 0.0
    stacks: float = 0.0
    slender: float = 0.0
    flaps: float = 0.0
    negatives: float = 0.0
    cut_off: float = 0.25
    print_density: float = 1.0
    flat_items: tuple[int, int] = (0, 9)
    upright_items: tuple[int, int] = (0, 7)
    loose_items: tuple[int, int] = (0, 0)
    people: tuple[int, int] = (0, 0)
    solids: tuple[int, int] = (0, 4)
    props: tuple[int, int] = (0, 0)
    printed_solids: float = 0.0
    occluder: float = 0.2
    reflection: float = 0.2
    shadow_strength: tuple[float, float] = (0.1, 0.65)
    defocus: float = 0.2
    blur: float = 0.45
    noise: float = 0.7
    compression: float = 0.25
    tone: float = 0.9
    window_light: float = 0.0
    webcam: float = 0.0
    grey: float = 0.0

    def __post_init__(self) -> None:
        """Check probabilities and ranges."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(item.default, tuple):
                _check_range(item.name, value)
                if isinstance(item.default[0], int) and value[1] > MOST_ITEMS:
                    raise _error(item.name, value, f'a range within 0 and {MOST_ITEMS}')
            elif not (isinstance(value, int | float) and 0 <= value <= 1):
                raise _error(item.name, value, 'a probability from 0 to 1')

    @classmethod
    def from_config(cls, values: Mapping[str, Any] | None) -> 'RealismSettings':
        """Read a nested config; what is not given keeps its default.

        Raises:
            ConfigError: If a key is unknown or a value out of range.
        """
        given: dict[str, Any] = dict(values or {})
        check_settings('realism', given, [item.name for item in fields(cls)])
        settings: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
        }
        return cls(**settings)

    @classmethod
    def plain(cls) -> 'RealismSettings':
        """Return settings that draw boxes and background only, without camera effects."""
        return cls(
            flat_items=(0, 0),
            upright_items=(0, 0),
            solids=(0, 0),
            occluder=0.0,
            reflection=0.0,
            shadow_strength=(0.0, 0.0),
            defocus=0.0,
            blur=0.0,
            noise=0.0,
            compression=0.0,
            tone=0.0,
        )


def _check_range(name: str, value: Any) -> None:
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    if not (is_pair and all(isinstance(end, Real) for end in value) and 0 <= value[0] <= value[1]):
        raise _error(name, value, 'a range (least, most) of numbers from 0 up')
    if name == 'shadow_strength' and value[1] > 1:
        raise _error(name, value, 'a range within 0 and 1')
    if name == 'box_span' and not SMALLEST_SPAN <= value[0] <= value[1] <= LARGEST_SPAN:
        wanted = f'a range within {SMALLEST_SPAN} and {LARGEST_SPAN}'
        raise _error(name, value, wanted)
    if name == 'sides' and value[0] <= 0:
        raise _error(name, value, 'a range of numbers above 0')
    if name == 'roll_deg' and value[1] > 180:
        raise _error(name, value, 'a range within 0 and 180')
    if name == 'pitch_deg' and value[1] > STEEPEST_PITCH:
        raise _error(name, value, f'a range within 0 and {STEEPEST_PITCH}')


def _error(name: str, value: object, wanted: str) -> ConfigError:
    return ConfigError(f'must be {wanted}', argument=f'realism.{name}', value=value)
