"""The networks of MediaPipe themselves, where a person has fetched them."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from mediapipe_objectron.categories import CATEGORY_MODELS
from mediapipe_objectron.objectron_runtime import open_stages
from mediapipe_objectron.two_stages import find_in_crop

from cpose.apis import CenterPoseInferencer
from cpose.errors import CheckpointError

VARIABLE = 'MEDIAPIPE_OBJECTRON_PACKAGE'
PACKAGE = os.environ.get(VARIABLE)
CAMERA = (300, 300, 150, 200)
CONFIGS = Path(__file__).parents[1] / 'configs'

needs_litert = pytest.mark.skipif(
    find_spec('ai_edge_litert') is None, reason='LiteRT is missing: pip install ai-edge-litert'
)
needs_package = pytest.mark.skipif(
    PACKAGE is None,
    reason=f'{VARIABLE} names no package: npm pack @mediapipe/objectron@0.4.1675468480',
)


@needs_litert
def test_no_network_in_the_package(pack, package_files):
    with pytest.raises(CheckpointError) as caught:
        open_stages(pack(package_files()), ['cup'], 0.3, 0.99, 10)
    assert caught.value.place.path.endswith('.tflite')


@pytest.fixture(scope='module')
def stages():
    return open_stages(Path(PACKAGE), list(CATEGORY_MODELS), 0.3, 0.99, 10)


@needs_litert
@needs_package
class TestPackage:
    def test_labels_of_all_categories(self, stages):
        assert stages.category_of == {19: 0, 5: 1, 13: 2, 12: 2, 22: 3}

    def test_nothing_in_noise(self, stages):
        noise = np.random.default_rng(0).random((400, 300, 3), np.float32)
        assert len(stages(noise).scores) == 0

    @pytest.mark.parametrize('number', range(len(CATEGORY_MODELS)))
    def test_keypoints_lie_near_the_crop(self, stages, number):
        image = np.full((400, 400, 3), 0.5, np.float32)
        bbox = np.array([150.0, 150.0, 250.0, 250.0])
        points, presence = find_in_crop(stages.find_keypoints[number], image, bbox)
        assert ((points > 0) & (points < 400)).all()
        assert 0 <= presence <= 1

    @pytest.mark.parametrize('name', ['shoe', 'all_categories'])
    def test_configs_run(self, name):
        inferencer = CenterPoseInferencer(CONFIGS / f'{name}.py', PACKAGE)
        (result,) = inferencer(np.full((400, 300, 3), 90, np.uint8), CAMERA)
        assert result.poses == []
