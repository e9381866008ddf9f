"""From a package to poses; stand-ins take the place of the networks, which are in no repository."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mediapipe_objectron import objectron_runtime
from mediapipe_objectron.detector import INPUT_SIDE, NUM_ANCHORS
from mediapipe_objectron.objectron_runtime import ObjectronRuntime, find_content, make_outputs
from mediapipe_objectron.two_stages import FoundObjects

from cpose.apis import CenterPoseInferencer, load_config
from cpose.cli.main import main
from cpose.errors import ConfigError
from cpose.geometry.projection import project_points
from cpose.structures.camera import gl_from_cv, guess_intrinsics
from cpose.structures.cuboid import cuboid_keypoints

CONFIGS = Path(__file__).parents[1] / 'configs'
IMAGE_WH = (300, 400)
CAMERA = guess_intrinsics(IMAGE_WH)
CHAIR, MUG = 2, 3
DIMS = np.array([0.6, 1.0, 1.4])
LOCATION = np.array([0.1, -0.1, 5.0])
ROTATION = cv2.Rodrigues(np.array([0.4, 0.9, 0.1]))[0]


def keypoints_image():
    return project_points(cuboid_keypoints(DIMS) @ ROTATION.T + LOCATION, CAMERA)


class StandIn:
    """Knows a cuboid that the whole image shows at the last anchor, the middle of the image."""

    def __init__(self, content, name, input_side, output_shapes):
        self.is_detector = input_side == INPUT_SIDE
        assert content == (b'the detector' if self.is_detector else self.expected(name))
        assert [len(shape) for shape in output_shapes] == ([2, 2] if self.is_detector else [1, 1])

    def expected(self, name):
        return f'network of {name.split("_")[-1].removesuffix(".tflite")}'.encode()

    def __call__(self, image):
        return self.detect() if self.is_detector else self.find_keypoints()

    def detect(self):
        logits = np.full((NUM_ANCHORS, 7), -9.0, np.float32)
        logits[-6, CHAIR] = 1.0
        return np.zeros((NUM_ANCHORS, 4), np.float32), logits

    def find_keypoints(self):
        side = 1.5 * 0.95 * IMAGE_WH[1]
        coordinates = (keypoints_image() - np.array(IMAGE_WH) / 2) * 224 / side + 112
        return coordinates.astype(np.float32).ravel(), np.array([1.0])


class WithoutLiteRt:
    """Makes Python's import find no LiteRT."""

    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'ai_edge_litert':
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)


@pytest.fixture
def package(pack, package_files, monkeypatch):
    monkeypatch.setattr(objectron_runtime, 'LiteRtNetwork', StandIn)
    monkeypatch.setattr(objectron_runtime, 'version', lambda _: '9.9')
    return pack(package_files())


@pytest.fixture
def image():
    return np.full((*IMAGE_WH[::-1], 3), 90, np.uint8)


@pytest.mark.parametrize('name', ['shoe', 'chair', 'cup', 'camera', 'all_categories'])
def test_configs_name_their_categories(name, package):
    config = load_config(CONFIGS / f'{name}.py')
    inferencer = CenterPoseInferencer(config, package)
    assert inferencer.runtime.metadata.class_names == tuple(inferencer.categories)
    assert inferencer.runtime.describe().startswith('LiteRT 9.9, CPU')


def test_pose_of_a_known_cuboid(package, image):
    inferencer = CenterPoseInferencer(CONFIGS / 'all_categories.py', package)
    (result,) = inferencer(image, CAMERA)
    (pose,) = result.poses
    assert inferencer.categories[pose.label] == 'chair'
    assert pose.score == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-5)
    # The stand-in answers relative to its crop, whose place is known to half an input pixel.
    np.testing.assert_allclose(pose.corners_image, keypoints_image()[1:], atol=0.3)
    np.testing.assert_allclose(pose.keypoints_image[1:], keypoints_image()[1:], atol=0.3)
    np.testing.assert_allclose(pose.dims, DIMS, rtol=2e-3)
    np.testing.assert_allclose(pose.location_cv, LOCATION, atol=0.01)
    middle, half = np.array(IMAGE_WH) / 2, np.array(IMAGE_WH) * 0.475
    np.testing.assert_allclose(pose.bbox_image, [*(middle - half), *(middle + half)], atol=1.0)


def test_other_categories_are_not_taken(package, image):
    (result,) = CenterPoseInferencer(CONFIGS / 'cup.py', package)(image, CAMERA)
    assert result.poses == []


def test_command_writes_the_usual_files(package, image, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / 'photo.png'), image)
    command = ['infer', str(CONFIGS / 'chair.py'), str(package), str(tmp_path / 'photo.png')]
    assert main([*command, '--out', str(tmp_path / 'out')]) == 0
    assert '1 images, 1 objects, 1 with pose' in capsys.readouterr().out
    (found,) = json.loads((tmp_path / 'out/json/photo.json').read_text())['objects']
    assert found['class'] == 'chair'
    assert (tmp_path / 'out/vis/photo.png').is_file()


def write_annotation(path):
    """Write the cuboid of the stand-in as ground truth."""
    pose = cuboid_keypoints(DIMS) @ ROTATION.T + LOCATION
    content = {
        'class': 'chair',
        'keypoints_3d': gl_from_cv(pose).tolist(),
        'projected_cuboid': keypoints_image().tolist(),
        'scale': DIMS.tolist(),
    }
    (fx, _, cx), (_, fy, cy), _ = CAMERA.tolist()
    camera = {'intrinsics': {'fx': fx, 'fy': fy, 'cx': cx, 'cy': cy}}
    camera |= {'width': IMAGE_WH[0], 'height': IMAGE_WH[1]}
    path.write_text(json.dumps({'camera_data': camera, 'objects': [content]}))


@pytest.mark.slow
def test_command_measures_the_networks(package, image, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').mkdir()
    cv2.imwrite('data/photo.png', image)
    write_annotation(tmp_path / 'data' / 'photo.json')
    command = ['test', str(CONFIGS / 'chair.py'), str(package), '--data-root', 'data']
    workers = 'test_dataloader.num_workers=0'
    assert main([*command, '--out', 'report.json', '--cfg-options', workers]) == 0
    report = json.loads(Path('report.json').read_text())
    assert report['AP50_3DIoU'] == 1.0
    assert report['MPE_2D_px'] < 0.3
    assert report['mean_3DIoU'] > 0.95


def test_command_without_the_package(tmp_path, image, capsys):
    cv2.imwrite(str(tmp_path / 'photo.png'), image)
    command = ['infer', str(CONFIGS / 'chair.py'), str(tmp_path / 'none.tgz')]
    out = ['--out', str(tmp_path / 'out')]
    assert main([*command, str(tmp_path / 'photo.png'), *out]) == 2
    assert 'npm pack @mediapipe/objectron@0.4.1675468480' in capsys.readouterr().err


def test_command_without_litert(pack, package_files, tmp_path, image, capsys, monkeypatch):
    for name in ('ai_edge_litert', 'ai_edge_litert.interpreter'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, 'meta_path', [WithoutLiteRt(), *sys.meta_path])
    cv2.imwrite(str(tmp_path / 'photo.png'), image)
    command = ['infer', str(CONFIGS / 'chair.py'), str(pack(package_files()))]
    out = ['--out', str(tmp_path / 'out')]
    assert main([*command, str(tmp_path / 'photo.png'), *out]) == 2
    assert 'pip install ai-edge-litert' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('argument', 'value', 'advice'),
    [
        ('device', 'cuda', 'Use device cpu.'),
        ('categories', ['shoes'], 'Nearest known: shoe.'),
        ('categories', [], 'Known: camera, chair, cup, shoe.'),
        ('min_score', 2, ''),
        ('max_objects', 0, ''),
    ],
)
def test_wrong_arguments(argument, value, advice, package):
    with pytest.raises(ConfigError) as caught:
        ObjectronRuntime(package, **{argument: value})
    assert (caught.value.argument, caught.value.value) == (argument, value)
    assert str(caught.value).endswith(advice)


def test_content_inside_a_black_frame():
    image = torch.zeros(3, 40, 60)
    assert find_content(image) == (0, 40, 0, 60)
    image[1, 5:30, 12] = 0.2
    image[2, 7, 12:50] = 0.2
    assert find_content(image) == (5, 30, 12, 50)


def test_outputs_are_filled_up_and_moved():
    keypoints = keypoints_image()[None]
    found = FoundObjects(np.array([[1.0, 2, 3, 4]]), np.array([0.5]), np.array([MUG]), keypoints)
    outputs = make_outputs(found, (10, 20), CAMERA, 3)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        'bboxes': (3, 4),
        'scores': (3, 1),
        'kps': (3, 16),
        'clses': (3, 1),
        'obj_scale': (3, 3),
        'kps_displacement_mean': (3, 16),
        'kps_heatmap_mean': (3, 16),
    }
    assert outputs['bboxes'][0].tolist() == [11, 22, 13, 24]
    assert outputs['scores'].ravel().tolist() == [0.5, 0, 0]
    corners = outputs['kps_displacement_mean'][0].reshape(8, 2).numpy()
    np.testing.assert_allclose(corners, keypoints_image()[1:] + np.array([10, 20]), rtol=1e-5)
    assert (outputs['kps_heatmap_mean'][0] == -10000).all()


def test_no_object_fills_up_too():
    nothing = FoundObjects(
        np.empty((0, 4)), np.empty(0), np.empty(0, np.int64), np.empty((0, 9, 2))
    )
    outputs = make_outputs(nothing, (0, 0), CAMERA, 2)
    assert outputs['obj_scale'].tolist() == [[0, 0, 0], [0, 0, 0]]
