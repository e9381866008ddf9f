"""Several input sizes per image."""

import numpy as np
import pytest

from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.training import evaluate
from cpose.cli.main import main
from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import ConfigError
from cpose.evaluation.dump_reading import read_dump
from cpose.models.detectors.runtime_pose import RuntimePose
from cpose.models.detectors.scale_pyramid import refuse_fixed_size

from ...user_errors import raises
from ..inference_scenes import box_config, tiny_config, write_box_model

STRIDE, SHORTEST = 4, 8
IMAGE_WH = (128, 128)


class SquareDetector:
    """Finds bright squares whose sides are at least `SHORTEST` input pixels.

    Its score is the higher, the larger they are.
    """

    def __init__(self):
        self.sides = []

    def __call__(self, images):
        found = [self._find(image.numpy()) for image in images]
        return {name: np.stack([item[name] for item in found]) for name in found[0]}

    def _find(self, image):
        self.sides.append(image.shape[1:])
        pictured = [self._box(image, level) for level in (100, 200)]
        boxes = np.array([box if box is not None else np.zeros(4) for box in pictured])
        seen = np.array([box is not None and box[2] - box[0] >= SHORTEST for box in pictured])
        score = seen * (0.5 + (boxes[:, 2] - boxes[:, 0]) / 1000)
        cells = boxes / STRIDE
        corners = cells[:, [0, 1, 0, 1, 0, 3, 0, 3, 2, 1, 2, 1, 2, 3, 2, 3]]
        return {
            'bboxes': cells, 'scores': score[:, None], 'clses': np.zeros((2, 1)),
            'obj_scale': np.ones((2, 3)), 'kps_displacement_mean': corners,
            'kps_heatmap_mean': np.full((2, 16), -10000.0),
        }  # fmt: skip

    @staticmethod
    def _box(image, level):
        rows, columns = np.nonzero(np.abs(image[0].astype(int) - level) < 20)
        if not len(rows):
            return None
        return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], dtype=float)


def squares():
    """Return a picture with a large and a small square."""
    image = np.zeros((*IMAGE_WH, 3), dtype=np.uint8)
    image[8:72, 8:72] = 100
    image[104:112, 104:112] = 200
    return image


def find(scales=None, **changes):
    detector = SquareDetector()
    config = tiny_config(**changes)
    inferencer = CenterPoseInferencer(config, input_wh=(64, 64), scales=scales, detector=detector)
    (result,) = inferencer(squares(), use_pnp=False)
    return [np.round(pose.bbox_image / 8) * 8 for pose in result.poses], detector.sides


def test_two_scales_find_a_small_object_that_one_misses():
    boxes, sides = find()
    assert len(boxes) == 1
    assert sides == [(64, 64)]
    boxes, sides = find(scales=(1, 2))
    assert sides == [(64, 64), (128, 128)]
    assert [list(box) for box in boxes] == [[8, 8, 72, 72], [104, 104, 112, 112]]


def test_config_names_the_scales():
    loop = {'type': 'PyramidTestLoop', 'scales': [2]}
    assert find(test_cfg=loop)[1] == [(128, 128)]
    assert find(scales=(1,), test_cfg=loop)[1] == [(64, 64)]


def test_batches():
    detector = SquareDetector()
    inferencer = CenterPoseInferencer(
        tiny_config(), input_wh=(64, 64), scales=(1, 0.5, 2), detector=detector
    )
    images = [squares(), np.zeros_like(squares()), squares()]
    results = list(inferencer(images, use_pnp=False, batch_size=2))
    assert [len(result.poses) for result in results] == [2, 0, 2]
    assert detector.sides[:6] == [(side, side) for side in (64, 64, 32, 32, 128, 128)]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_box_model(tmp_path_factory.mktemp('model') / 'box.pth')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp('pictures')
    dataset = SyntheticCuboidDataset(3, image_wh=(160, 128), objects=(1, 1), seed=3)
    for number in range(3):
        write_record(dataset.load_record(number), target, f'{number}', ('box',))
    return target


def all_numbers(results):
    return [
        (pose.score, *pose.bbox_image, *np.ravel(pose.keypoints_cv), *pose.dims)
        for result in results
        for pose in result.poses
    ]


@pytest.mark.slow
def test_one_scale_changes_nothing(checkpoint, folder):
    plain = list(CenterPoseInferencer(None, checkpoint)(folder, score_thr=0.05))
    scaled = list(CenterPoseInferencer(None, checkpoint, scales=(1.0,))(folder, score_thr=0.05))
    assert len(all_numbers(plain)) > 3
    assert all_numbers(plain) == all_numbers(scaled)
    doubled = list(CenterPoseInferencer(None, checkpoint, scales=(2,))(folder, score_thr=0.05))
    larger = CenterPoseInferencer(None, checkpoint, input_wh=(128, 128))
    assert all_numbers(doubled) == all_numbers(larger(folder, score_thr=0.05))


@pytest.mark.slow
def test_test_and_infer_agree(checkpoint, folder, tmp_path):
    def dumped(name, **changes):
        path = tmp_path / name
        report = evaluate(box_config(), checkpoint, folder, path, tmp_path, **changes)
        return report, [record.predictions.scores for record in read_dump(path)[0]]

    plain, scores = dumped('plain.json')
    once, scores_once = dumped('once.json', scales=[1])
    assert plain == once
    assert [list(item) for item in scores] == [list(item) for item in scores_once]
    _, scores = dumped('pyramid.json', scales=[1, 2])
    inferencer = CenterPoseInferencer(None, checkpoint, scales=(1, 2))
    expected = [[pose.score for pose in item.poses] for item in inferencer(folder, score_thr=0.05)]
    for found, wanted in zip(scores, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert sum(map(len, scores)) > sum(map(len, scores_once))


@pytest.mark.slow
def test_command_line(checkpoint, folder, tmp_path, capsys):
    words = ['-', str(checkpoint), str(folder), '--out', str(tmp_path / 'out'), '--device', 'cpu']
    assert main(['infer', *words, '--scales', '1', '2']) == 0
    assert capsys.readouterr().out.startswith('3 images')
    assert main(['infer', *words, '--scales', '1', '1.1']) == 2
    assert '--scales' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(['infer', *words, '--scales', '-1'])


def test_model_file_of_one_size():
    model = object.__new__(RuntimePose)
    refuse_fixed_size(model, (1,))
    with raises(ConfigError, argument='scales', value=[1, 2]):
        refuse_fixed_size(model, (1, 2))
