"""Which shapes occur in a scene, and what categories they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cpose.datasets.metainfo import META_KEYS, normalise_metainfo
from cpose.datasets.synthetic.shapes.base import Shape
from cpose.datasets.synthetic.shapes.carton import Carton
from cpose.errors import ConfigError, nearest_names
from cpose.registry import SHAPES

PROPS = (0, 3)


@dataclass(frozen=True)
class Cast:
    """Which shapes occur in a scene.

    Attributes:
        shapes: Those of the annotated objects, each as often as the others.
        distractors: Those of objects that are not annotated.
    """

    shapes: tuple[Shape, ...]
    distractors: tuple[Shape, ...] = ()

    @property
    def look_alikes(self) -> tuple[str, ...]:
        """Shapes and kinds of round solids that are no distractors, because they are too alike."""
        return tuple(name for shape in self.shapes for name in shape.look_alikes)

    @property
    def metainfo(self) -> dict[str, tuple[Any, ...]]:
        """Meta information of a data set of these shapes."""
        each = [shape.metainfo for shape in self.shapes]
        return normalise_metainfo({key: [item[key] for item in each] for key in META_KEYS})

    def choose(self, rng: np.random.Generator) -> int:
        """Return the number of the shape of the next object; one alone takes no random number."""
        return int(rng.integers(len(self.shapes))) if len(self.shapes) > 1 else 0


CARTONS = Cast((Carton(),))


def build_cast(
    shape: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    distractors: Sequence[Mapping[str, Any]] = (),
) -> Cast:
    """Build the shapes of a scene from their configs, without distractors that are too alike.

    Args:
        shape: Config of the shape of the annotated objects, or several.
        distractors: Configs of shapes of other objects.
    """
    configs = [shape] if isinstance(shape, Mapping) else shape
    shapes = tuple(SHAPES.build(dict(item)) for item in configs)
    left_out = (*(type(item).__name__ for item in shapes), *Cast(shapes).look_alikes)
    others = [SHAPES.build(dict(item)) for item in distractors]
    return Cast(shapes, tuple(item for item in others if type(item).__name__ not in left_out))


def label_shapes(cast: Cast, categories: Sequence[str]) -> tuple[int, ...]:
    """Return the label of each shape: that of its own name, or else its place in the list.

    Args:
        cast: The shapes.
        categories: Names of the categories by label.

    Raises:
        ConfigError: If names do not tell it, and there are not as many shapes as categories, or a
            category would get another shape than the one that is called so.
    """
    own = [shape.metainfo['category'] for shape in cast.shapes]
    if len(set(own)) == len(own) and set(own) <= set(categories):
        return tuple(categories.index(name) for name in own)
    is_mixed_up = any(
        name in categories and own[categories.index(name) % len(own)] != name for name in own
    )
    if len(own) != len(categories) or is_mixed_up:
        raise ConfigError(
            f'names {", ".join(categories)}, and the shapes are {", ".join(own)}',
            argument='metainfo.category',
            advice='Give as many names as shapes, in the same order',
        )
    return tuple(range(len(own)))


def settings_of_shapes(names: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that draw shapes among objects of other shapes; cartons stand alone.

    Args:
        names: Names of registered shapes, upper or lower case, a category each.

    Raises:
        ConfigError: If there is no such shape, or one is given twice.
    """
    SHAPES.import_from_location()
    shapes = {key.lower(): key for key in sorted(SHAPES.module_dict)}
    wanted = [name.lower() for name in names]
    for name in names:
        if name.lower() not in shapes or wanted.count(name.lower()) > 1:
            is_known = name.lower() in shapes
            raise ConfigError(
                'is given twice' if is_known else 'is no shape',
                argument='shape',
                value=name,
                advice='Give each once' if is_known else nearest_names(name, list(shapes)),
            )
    if wanted == ['carton']:
        return {}
    chosen: list[dict[str, Any]] = [{'type': shapes[name]} for name in wanted]
    return {
        'shape': chosen if len(chosen) > 1 else chosen[0],
        'distractors': [{'type': other} for other in shapes.values()],
        'realism': {'props': PROPS},
    }
