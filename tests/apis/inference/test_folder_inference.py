import json

import cv2
import numpy as np
import pytest

from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.folder_inference import infer_to_folder
from cpose.apis.inference.result_writer import ResultWriter
from cpose.errors import DataError

from ...user_errors import raises
from ..inference_scenes import CAMERA, PerfectDetector, grey_image, location_of, tiny_config


@pytest.fixture
def inferencer():
    return CenterPoseInferencer(tiny_config(), detector=PerfectDetector())


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / 'images'
    for name, brightness in (('a/0', 50), ('b/0', 100), ('c', 0)):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(images / f'{name}.png'), grey_image(brightness))
    return images


def test_everything_is_written(inferencer, folder, tmp_path):
    ticks = []
    summary = infer_to_folder(
        inferencer, folder, ResultWriter(tmp_path / 'out'), CAMERA, batch_size=2,
        on_image=lambda: ticks.append(1),
    )  # fmt: skip
    assert (summary.images, summary.objects, summary.poses, summary.skipped) == (3, 2, 2, [])
    assert len(ticks) == 3
    for name, brightness in (('a/0', 50), ('b/0', 100)):
        content = json.loads((tmp_path / 'out' / 'json' / f'{name}.json').read_text())
        location = content['objects'][0]['location']
        np.testing.assert_allclose(location, location_of(brightness), atol=1e-4)
        assert (tmp_path / 'out' / 'vis' / f'{name}.png').is_file()


def test_nothing_is_lost_to_a_broken_image(inferencer, folder, tmp_path):
    (folder / 'b' / '1.png').write_bytes(b'no image')
    ticks = []
    summary = infer_to_folder(
        inferencer, folder, ResultWriter(tmp_path / 'out'), CAMERA, batch_size=2,
        on_image=lambda: ticks.append(1),
    )  # fmt: skip
    assert summary.images == 3
    assert len(summary.skipped) == 1
    assert '1.png' in summary.skipped[0]
    assert len(ticks) == 4
    assert len(list((tmp_path / 'out' / 'json').rglob('*.json'))) == 3


def test_missing_input_is_an_error(inferencer, tmp_path):
    with raises(DataError, argument='inputs'):
        infer_to_folder(inferencer, tmp_path / 'none', ResultWriter(tmp_path / 'out'), CAMERA)
