import numpy as np
import pytest

from cpose.datasets.synthetic.light import sample_light
from cpose.datasets.synthetic.scene import MIN_VISIBILITY, sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.solids import Solid
from cpose.errors import ConfigError

from ...user_errors import raises
from .scenes import make_box, make_scene

REALISM = RealismSettings(solids=(0, 4), occluder=1.0)


def test_box_stands_on_the_plane_with_its_corners_in_order():
    box = make_box(dims=(0.3, 0.4, 0.2), position=(0.5, -2.0), yaw=np.pi / 2)
    keypoints = box.keypoints_world
    np.testing.assert_allclose(keypoints[0], [0.5, 0.2, -2.0])
    np.testing.assert_allclose(keypoints[[1, 2, 5, 6], 1], 0, atol=1e-12)
    np.testing.assert_allclose(keypoints[[3, 4, 7, 8], 1], 0.4)
    # A quarter turn about Y brings the object's z to world X and its x to world −Z.
    np.testing.assert_allclose(keypoints[2] - keypoints[1], [0.2, 0, 0], atol=1e-12)
    np.testing.assert_allclose(keypoints[5] - keypoints[1], [0, 0, -0.3], atol=1e-12)
    assert set(map(tuple, box.footprint)) == set(map(tuple, keypoints[[1, 2, 5, 6]][:, [0, 2]]))


def test_footprints_of_boxes_come_first():
    solid = Solid(np.array([1.0, -1.0]), np.array([(0.1, 0.0), (0.1, 0.2)]), np.zeros((2, 3)))
    parts = make_scene(solids=[solid]).footprints
    assert [len(part) for part in parts] == [4, 12]


@pytest.mark.parametrize('objects', [(0, 0), (1, 1), (2, 4), (12, 12)], ids=str)
def test_scenes_have_the_number_of_boxes_asked_for(objects):
    for seed in range(8):
        scene = sample_scene(np.random.default_rng(seed), (320, 240), objects, REALISM)
        assert objects[0] <= len(scene.boxes) <= objects[1]
        assert (scene.visibility >= MIN_VISIBILITY).all()
        assert sorted(scene.order) == list(range(len(scene.boxes) + len(scene.solids)))


def test_image_without_room_is_refused():
    with raises(ConfigError, argument='image_wh', value=(100000, 64)):
        sample_scene(np.random.default_rng(0), (100000, 64), (1, 1), REALISM)


def test_boxes_are_in_front_of_the_camera_and_apart():
    for seed in range(20):
        scene = sample_scene(np.random.default_rng(seed), (320, 320), (3, 3), REALISM)
        assert scene.camera.height > 0.6 * scene.boxes[0].dims[1]
        for number, box in enumerate(scene.boxes):
            assert scene.camera.to_cv(box.keypoints_world)[:, 2].min() > 0
            for other in scene.boxes[:number]:
                gap = np.linalg.norm(box.position - other.position)
                inner = min(box.dims[0], box.dims[2]) + min(other.dims[0], other.dims[2])
                assert gap > inner / 2


def test_same_generator_same_scene():
    first, second = (
        sample_scene(np.random.default_rng(5), (320, 240), (1, 3), REALISM) for _ in range(2)
    )
    np.testing.assert_array_equal(first.camera.intrinsics, second.camera.intrinsics)
    np.testing.assert_array_equal(
        [box.keypoints_world for box in first.boxes], [box.keypoints_world for box in second.boxes]
    )


def test_lamp_is_above_the_plane():
    rng = np.random.default_rng(1)
    for _ in range(50):
        light = sample_light(rng, (0.2, 0.4))
        assert np.linalg.norm(light.direction) == pytest.approx(1)
        assert light.direction[1] > 0.3
        assert 0.2 <= light.shadow <= 0.4


@pytest.mark.parametrize('span', [(0.03, 0.03), (0.2, 0.25), (0.8, 0.9), (1.1, 1.1)], ids=str)
def test_span_is_the_size_in_the_image(span):
    realism = RealismSettings(box_span=span, solids=(0, 0), occluder=0.0)
    for seed in range(5):
        scene = sample_scene(np.random.default_rng(seed), (320, 240), (1, 1), realism)
        box, camera = scene.boxes[0], scene.camera
        depth = camera.to_cv(box.keypoints_world[0])[2]
        found = np.linalg.norm(box.dims) / depth * camera.intrinsics[0, 0] / 320
        assert span[0] * 0.5 <= found <= span[1] * 1.001


@pytest.mark.parametrize('image_wh', [(64, 640), (640, 64)], ids=str)
def test_boxes_shrink_until_they_fit_a_narrow_image(image_wh):
    realism = RealismSettings(box_span=(1.1, 1.1))
    for seed in range(3):
        scene = sample_scene(np.random.default_rng(seed), image_wh, (1, 1), realism)
        assert scene.visibility[0] >= MIN_VISIBILITY


def test_camera_pitch_and_cut_off_boxes_follow_the_settings():
    realism = RealismSettings(pitch_deg=(30.0, 40.0), odd_camera=0.0, cut_off=0.0)
    for seed in range(30):
        scene = sample_scene(np.random.default_rng(seed), (200, 150), (1, 1), realism)
        forward = scene.camera.cv_from_world[2]
        pitch = -np.degrees(np.arcsin(forward[1]))
        assert 30 <= pitch <= 40
        points = scene.camera.project(scene.boxes[0].keypoints_world)
        assert (points > -8).all()
        assert (points < (208, 158)).all()
