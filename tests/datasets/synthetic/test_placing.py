import numpy as np
import pytest

from cpose.datasets.synthetic.boxes import LEAN, Box
from cpose.datasets.synthetic.placing import collides
from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.settings import RealismSettings

from .scenes import make_box

EMPTY = {'solids': (0, 0), 'occluder': 0.0}


def scenes(count=12, objects=(1, 1), **realism):
    settings = RealismSettings(**{**EMPTY, **realism})
    for seed in range(count):
        yield sample_scene(np.random.default_rng(seed), (256, 256), objects, settings)


def test_things_collide_only_at_the_same_height():
    low, above = make_box(), Box(np.full(3, 0.3), np.array([0.05, -1.2]), 0.1, level=0.41)
    assert collides(make_box(yaw=0.1), [low])
    assert not collides(above, [low])
    assert not collides(low, [above])


def test_free_boxes_have_any_rotation_above_the_plane():
    boxes = [scene.boxes[0] for scene in scenes(40, free_pose=1.0)]
    lowest = np.array([box.keypoints_world[:, 1].min() for box in boxes])
    assert (lowest > -1e-9).all()
    assert 0.05 < (lowest < 1e-9).mean() < 0.5
    ups = np.array([box.world_from_object[1, 1] for box in boxes])
    assert (np.abs(ups) < 0.8).sum() > 10
    assert not any(box.is_standing for box in boxes)


def test_free_boxes_reach_every_part_of_the_picture():
    centres = np.array(
        [s.camera.project(s.boxes[0].keypoints_world[0]) for s in scenes(60, free_pose=1.0)]
    )
    assert (centres.min(axis=0) < 80).all()
    assert (centres.max(axis=0) > 176).all()


def test_hands_hold_boxes_in_the_air_only():
    found = list(scenes(20, free_pose=0.5, hands=1.0, box_span=(0.3, 0.8)))
    assert {len(scene.hands) > 0 for scene in found} == {True, False}
    for scene in found:
        assert bool(scene.hands) == scene.boxes[0].is_floating


def test_stacked_boxes_rest_on_another():
    found = list(scenes(15, objects=(3, 3), stacks=1.0))
    raised = [(scene, box) for scene in found for box in scene.boxes if box.level > 0]
    assert len(raised) > 5
    for scene, box in raised:
        gaps = [box.level - other.heights[1] for other in scene.boxes if other is not box]
        assert min(np.abs(gaps)) < 1e-5
        assert box.is_upright


def test_upper_box_is_painted_after_the_lower_one():
    for scene in scenes(15, objects=(2, 2), stacks=1.0, pitch_deg=(20.0, 50.0)):
        lower, upper = scene.boxes
        if upper.level > 0 and scene.camera.height > lower.heights[1]:
            assert scene.order == [0, 1]
            assert scene.visibility[1] > 0.59


@pytest.mark.parametrize('free_pose', [0.0, 1.0])
def test_pictures_without_boxes(free_pose):
    found = list(scenes(40, objects=(1, 2), negatives=0.5, free_pose=free_pose, solids=(1, 2)))
    empty = [scene for scene in found if not scene.boxes]
    assert 10 <= len(empty) <= 30
    assert {scene.decoy is None for scene in empty} == {True, False}
    assert all(scene.decoy is None for scene in found if scene.boxes)


def test_rolled_pictures_are_labelled_by_what_is_seen():
    realism = {'rolled': 1.0, 'roll_deg': (120.0, 180.0), 'pitch_deg': (10.0, 30.0)}
    for scene in scenes(10, objects=(2, 2), odd_camera=0.0, **realism):
        assert scene.camera.is_rolled
        for box in scene.boxes:
            up_cv = (scene.camera.cv_from_world @ box.world_from_object)[:, 1]
            assert up_cv @ (0.0, -np.cos(LEAN), -np.sin(LEAN)) > 0.45
            assert box.is_upright


def test_cameras_look_straight_down():
    for scene in scenes(10, pitch_deg=(85.0, 90.0), odd_camera=0.0):
        assert scene.camera.is_steep
        assert scene.visibility[0] > 0.35
