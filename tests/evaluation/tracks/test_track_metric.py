from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy.tracked_scenes import (
    CAMERA,
    IMAGE_WH,
    find_objects,
    make_scenes,
)
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.errors import DataError
from cpose.evaluation.report import build_table, build_track_table
from cpose.evaluation.tracks.track_metric import TrackMetric
from cpose.geometry.projection import project_points
from cpose.registry import TRACKERS
from cpose.structures.camera import gl_from_cv
from cpose.structures.object_pose import Track
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample

from ...user_errors import raises

META = {'category': ('box',), 'symmetry': ({'type': 'CuboidSymmetry'},), 'eval_num_symmetry': (1,)}
FRAMES = 60


@TRACKERS.register_module()
class NumbersByPlace:
    """Number objects by their place in the list; every ``change`` frames with other numbers."""

    def __init__(self, change=10**6):
        self.change = change

    def reset(self):
        pass

    def update(self, result, frame):
        offset = 100 * (frame.number // self.change)
        poses = [
            replace(pose, track=Track(1 + number + offset, 1, np.zeros((1, 2))))
            for number, pose in enumerate(result.poses)
        ]
        return replace(result, poses=poses)


def sample_of(scene, frame, path, has_ids=True):
    keypoints = scene.keypoints(frame)
    count = len(keypoints)
    annotations = CuboidAnnotations(
        labels=np.zeros(count, np.int64),
        keypoints_gl=gl_from_cv(keypoints),
        keypoints_image=project_points(keypoints, CAMERA),
        dims_metric=scene.dims,
        visibility=np.ones(count),
        extras={'track_id': np.arange(count, dtype=float)} if has_ids else {},
    )
    return PoseDataSample(
        path, IMAGE_WH, IMAGE_WH, np.eye(2, 3), intrinsics=CAMERA, annotations=annotations
    )


def make_metric(tracker, **options):
    metric = TrackMetric(**metric_settings(), tracker=tracker, **options)
    metric.dataset_meta = META
    return metric


def evaluate(tracker, name='nothing moves', is_exact=False, has_ids=True, videos=('a',)):
    scene = make_scenes(4)[name]
    metric = make_metric(tracker)
    order = np.random.default_rng(0).permutation(FRAMES).tolist()
    for video in videos:
        rng = np.random.default_rng(1)
        found = [find_objects(scene, frame, rng)[0] for frame in range(FRAMES)]
        for frame in order:
            path = f'{video}/frame_{frame:03d}.png'
            result = exact_result(scene, frame, found[frame]) if is_exact else found[frame]
            sample = sample_of(scene, frame, path, has_ids)
            result = replace(result, image_path=path)
            metric.process({'data_samples': [sample]}, [result])
    return metric.compute_metrics(metric.results), metric.report


def exact_result(scene, frame, result):
    keypoints = scene.keypoints(frame)
    poses = [
        replace(
            pose,
            dims=scene.dims[number],
            keypoints_cv=keypoints[number],
            keypoints_image=project_points(keypoints[number], CAMERA),
        )
        for number, pose in enumerate(result.poses)
    ]
    return replace(result, poses=poses)


def test_perfect_poses():
    numbers, _ = evaluate({'type': 'NumbersByPlace'}, is_exact=True)
    assert numbers['AP50_3DIoU'] == numbers['AP50_track'] == pytest.approx(1)
    assert numbers['consistency'] == pytest.approx(1)
    assert numbers['jitter_deg'] == pytest.approx(0, abs=1e-4)
    assert numbers['jitter_percent'] == pytest.approx(0, abs=1e-9)
    assert numbers['id_switches'] == 0


@pytest.mark.parametrize('has_ids', [True, False])
def test_changes_of_numbers_are_counted(has_ids):
    """Four objects get another number every twenty frames of sixty."""
    numbers, _ = evaluate({'type': 'NumbersByPlace', 'change': 20}, is_exact=True, has_ids=has_ids)
    assert numbers['id_switches'] == 4 * 2
    # A third of the frames has the number that counts; the rest are misses of equal scores.
    assert numbers['AP50_3DIoU'] == pytest.approx(1)
    assert 0.05 < numbers['AP50_track'] < 0.4


def test_the_tracker_is_judged_beside_single_frames():
    numbers, report = evaluate({'type': 'PoseTracker'}, 'all move, hidden at times')
    single = report['single_frames']
    assert numbers['jitter_deg'] < single['jitter_deg'] / 2
    assert numbers['jitter_percent'] < single['jitter_percent'] / 2
    assert numbers['consistency'] > single['consistency'] + 0.2
    assert numbers['AP50_3DIoU'] > single['AP50_3DIoU']
    assert numbers['id_switches'] == 0
    assert 'id_switches' not in single
    text = render(build_track_table(report))
    assert 'jitter_deg' in text
    assert 'single frames' in text
    assert 'id_switches' in render(build_table(report))


@pytest.mark.slow
def test_videos_are_told_apart():
    numbers, report = evaluate(
        {'type': 'NumbersByPlace'}, is_exact=True, has_ids=False, videos=('a', 'b')
    )
    assert list(report['per_video']) == ['a/frame', 'b/frame']
    assert numbers['id_switches'] == 0
    assert numbers['AP50_track'] == report['per_video']['b/frame']['AP50_track'] == pytest.approx(1)


def test_moving_objects_have_no_jitter():
    numbers, _ = evaluate({'type': 'NumbersByPlace'}, 'pairs cross, hidden there', is_exact=True)
    assert numbers['jitter_percent'] == pytest.approx(0, abs=1e-9)
    assert numbers['consistency'] == pytest.approx(1)


@pytest.mark.parametrize(
    ('paths', 'sizes'),
    [(('a/x.png', 'a/y.png'), 1), (('a/1.png', 'a/2.png'), 2), (('a/1.png', 'a/01.png'), 1)],
)
def test_images_that_are_no_video(paths, sizes):
    scene = make_scenes(1)['nothing moves']
    metric = make_metric({'type': 'PoseTracker'})
    for number, path in enumerate(paths):
        size = (640, 480 + 10 * number * (sizes - 1))
        sample = replace(sample_of(scene, number, path), image_wh=size)
        result = find_objects(scene, number, np.random.default_rng(0))[0]
        metric.process({'data_samples': [sample]}, [result])
    with raises(DataError):
        metric.compute_metrics(metric.results)


def render(table):
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=100)
    console.print(table)
    return console.file.getvalue()
