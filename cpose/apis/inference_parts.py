"""What an inferencer takes from a config besides the network, and how images enter it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose

from cpose.apis.calibration import Camera
from cpose.apis.image_sources import SourceImage
from cpose.datasets.base_dataset import normalise_metainfo
from cpose.errors import ConfigError
from cpose.registry import TRANSFORMS, VISUALIZERS
from cpose.visualization.pose_drawer import PoseDrawer

DEFAULT_PIPELINE = ({'type': 'LetterboxAffine'}, {'type': 'PackPoseInputs'})
DEFAULT_INPUT_WH = (512, 512)


def choose_input_wh(config: Config, input_wh: Sequence[int] | None) -> tuple[int, int]:
    """Return width and height of the network input: the given ones, or those of the test data.

    Raises:
        ConfigError: If they are not two multiples of 32.
    """
    chosen = input_wh or _test_dataset(config).get('input_wh', DEFAULT_INPUT_WH)
    if len(chosen) != 2 or any(side <= 0 or side % 32 for side in chosen):
        raise ConfigError(
            f'input_wh={tuple(chosen)} must be width and height, both multiples of 32.'
        )
    return int(chosen[0]), int(chosen[1])


def find_categories(config: Config) -> tuple[str, ...]:
    """Return the names of the categories by label."""
    return normalise_metainfo(_test_dataset(config).get('metainfo'))['category']


def build_pipeline(config: Config) -> Compose:
    """Return the transforms of the test data, or what replaces them without test data."""
    steps = _test_dataset(config).get('pipeline', DEFAULT_PIPELINE)
    return Compose([TRANSFORMS.build(dict(step)) for step in steps])


def build_visualizer(config: Config, categories: Sequence[str]) -> Any:
    """Return the visualizer without its backends, which belong to training.

    It is none of MMEngine's global instances: those belong to training too.
    """
    given = dict(config.get('visualizer') or {'type': 'PoseVisualizer'})
    visualizer_class = VISUALIZERS.get(given.pop('type'))
    visualizer = visualizer_class(**{'name': 'inferencer', **given, 'vis_backends': None})
    visualizer.dataset_meta = {'category': tuple(categories)}
    return visualizer


def find_drawer(visualizer: Any, categories: Sequence[str]) -> PoseDrawer:
    """Return what draws in a visualizer, the standard where it has no attribute ``drawer``."""
    drawer: PoseDrawer = getattr(visualizer, 'drawer', None) or PoseDrawer(categories)
    return drawer


def make_record(
    image: SourceImage, camera: Camera | None, input_wh: tuple[int, int]
) -> dict[str, Any]:
    """Return an image as the test data would load it, without an annotation."""
    intrinsics = camera.intrinsics if camera else None
    return {
        'img': image.image,
        'img_path': image.path,
        'image_wh': image.image_wh,
        'input_wh': input_wh,
        'intrinsics': intrinsics,
        'projection': intrinsics,
        'truth': None,
        'rng': np.random.default_rng(0),
    }


def _test_dataset(config: Config) -> Mapping[str, Any]:
    dataset: Mapping[str, Any] = config.get('test_dataloader', {}).get('dataset', {})
    return dataset
