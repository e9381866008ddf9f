"""What the package holds for each category."""

from collections.abc import Sequence
from typing import NamedTuple

from cpose.errors import ConfigError, nearest_names


class CategoryModel(NamedTuple):
    """How one category is found.

    Attributes:
        file: Network of the package that finds the corners.
        detector_labels: Names of the detector for objects of this category.
    """

    file: str
    detector_labels: tuple[str, ...]


CATEGORY_MODELS = {
    'shoe': CategoryModel('object_detection_3d_sneakers.tflite', ('Footwear',)),
    'chair': CategoryModel('object_detection_3d_chair.tflite', ('Chair',)),
    'cup': CategoryModel('object_detection_3d_cup.tflite', ('Coffee cup', 'Mug')),
    'camera': CategoryModel('object_detection_3d_camera.tflite', ('Camera',)),
}


def choose_models(categories: Sequence[str]) -> list[CategoryModel]:
    """Return the models of categories, in their order.

    Raises:
        ConfigError: If there is no model for one, or none is given.
    """
    for name in categories:
        if name not in CATEGORY_MODELS:
            raise ConfigError(
                f'has {name!r}, for which the package has no model',
                argument='categories',
                value=list(categories),
                advice=nearest_names(name, CATEGORY_MODELS),
            )
    if not categories:
        raise ConfigError(
            'must name a category',
            argument='categories',
            value=list(categories),
            advice=nearest_names('', CATEGORY_MODELS),
        )
    return [CATEGORY_MODELS[name] for name in categories]
