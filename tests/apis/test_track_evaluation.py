"""Tracks of a file against annotated frames: three frames of one box, poses as annotated."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cpose.apis.inference.image_sources import SourceImage
from cpose.apis.inference.result_writer import ResultWriter
from cpose.apis.track_evaluation import evaluate_tracks
from cpose.cli.main import main
from cpose.errors import DataError
from cpose.geometry.cuboid_pose import pose_keypoints
from cpose.geometry.projection import project_points
from cpose.structures.camera import gl_from_cv, intrinsic_matrix
from cpose.structures.object_pose import MetricScale, ObjectPose, PoseResult, Track, VideoFrame

from ..user_errors import raises

CAMERA = intrinsic_matrix(80, 80, 32, 24)
WH = (64, 48)
META = {
    'category': ('box',),
    'symmetry': ({'type': 'NoSymmetry'},),
    'eval_num_symmetry': (1,),
}
HEIGHT = 0.2
"""Metres of the box, whose relative extents the model tells."""
FRAMES = (0, 1, 3)


def pose_in(frame):
    """Return the box in a frame, lengths in its heights."""
    dims = np.array([1.5, 1.0, 0.8])
    place = np.array([0.1 * frame, 0.0, 5.0])
    turn = np.array([0.0, np.sin(0.2), 0.0, np.cos(0.2)])
    keypoints = pose_keypoints(turn[None], place[None], dims[None])[0]
    points = project_points(keypoints, CAMERA)
    box = np.array([10.0, 10.0, 40.0, 40.0])
    found = ObjectPose(0.9, 0, box, points[1:], dims, place, turn, keypoints, points)
    off = replace(found, location_cv=place * 1.3)
    return replace(found, track=Track(4, 1, np.zeros((1, 2)), off))


def write_annotated(folder, frames=FRAMES, wh=WH):
    folder.mkdir(parents=True)
    for frame in frames:
        pose = pose_in(frame)
        cv2.imwrite(str(folder / f'{frame:06d}.png'), np.zeros((wh[1], wh[0], 3), np.uint8))
        content = {
            'camera_data': {
                'width': wh[0],
                'height': wh[1],
                'intrinsics': {'fx': 80, 'fy': 80, 'cx': 32, 'cy': 24},
            },
            'objects': [
                {
                    'class': 'box',
                    'track_id': 1,
                    'visibility': 1.0,
                    'scale': (pose.dims * HEIGHT).tolist(),
                    'keypoints_3d': gl_from_cv(pose.keypoints_cv * HEIGHT).tolist(),
                    'projected_cuboid': pose.keypoints_image.tolist(),
                }
            ],
            'AR_data': {
                'plane_center': gl_from_cv(np.array([0, -HEIGHT / 2, 1.0])).tolist(),
                'plane_normal': gl_from_cv(np.array([0, 1.0, 0])).tolist(),
            },
        }
        (folder / f'{frame:06d}.json').write_text(json.dumps(content))


def write_tracks(folder, frame='opencv', in_metres=False, meta=META):
    with ResultWriter(folder, frame, ('box',), drawer=None, dataset_meta=meta) as writer:
        for number in range(5):
            place = VideoFrame('clip', number, number / 10, 10.0)
            pose = pose_in(number)
            if in_metres:
                pose = replace(
                    pose,
                    dims=pose.dims * HEIGHT,
                    location_cv=pose.location_cv * HEIGHT,
                    metric_scale=MetricScale('height', HEIGHT),
                )
            name = f'clip/{number:06d}'
            image = SourceImage(name, f'clip.mp4#{number}', np.zeros((48, 64, 3), np.uint8), place)
            writer.write(image, PoseResult(name, WH, CAMERA, [pose], video_frame=place))
    return folder / 'json' / 'clip.tracks.json'


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """Return a file of tracks and the annotated frames of its video."""
    folder = tmp_path_factory.mktemp('tracks')
    write_annotated(folder / 'data' / 'clip')
    return write_tracks(folder / 'out'), folder / 'data'


def changed(path, target, change):
    content = json.loads(path.read_text())
    change(content)
    target.write_text(json.dumps(content))
    return target


@pytest.mark.parametrize(('frame', 'in_metres'), [('opencv', False), ('objectron', True)])
def test_exact_tracks_are_perfect(clip, tmp_path, frame, in_metres):
    path = write_tracks(tmp_path, frame, in_metres)
    rule = {'type': 'AbsoluteScale'} if in_metres else None
    report = evaluate_tracks(path, clip[1], scale_rule=rule)
    assert report['num_images'] == len(FRAMES)
    assert report['AP50_3DIoU'] == report['AP50_track'] == pytest.approx(1)
    assert report['mean_3DIoU'] == pytest.approx(1, abs=1e-6)
    assert report['MPE_2D_px'] == pytest.approx(0, abs=1e-3)
    assert report['id_switches'] == 0


def test_what_was_found_in_single_frames_is_measured_too(clip):
    report = evaluate_tracks(*clip, scale_rule={'type': 'AbsoluteScale'})
    assert report['single_frames']['MPE_2D_px'] > report['MPE_2D_px']


def test_command(clip, capsys, tmp_path):
    path, data = map(str, clip)
    out = tmp_path / 'numbers.json'
    assert main(['evaluate', path, '--data', data, '--out', str(out)]) == 0
    assert 'What the tracker changes' in capsys.readouterr().out
    assert json.loads(out.read_text())['AP50_track'] == pytest.approx(1)
    assert main(['evaluate', path]) == 2
    assert '--data' in capsys.readouterr().err


def test_missing_frames_are_missed(clip, tmp_path):
    path = changed(clip[0], tmp_path / 'a.json', lambda c: c['tracks'][0]['poses'].pop(3))
    assert evaluate_tracks(path, clip[1])['AP50_3DIoU'] < 0.8


def swap_times(content):
    poses = content['tracks'][0]['poses']
    poses[1]['time'], poses[2]['time'] = poses[2]['time'], poses[1]['time']


@pytest.mark.parametrize(
    ('change', 'field'),
    [
        (swap_times, 'tracks[0].poses[2].time'),
        (lambda c: c['tracks'][0]['poses'].reverse(), 'tracks[0].poses[1].number'),
        (lambda c: c['tracks'][0].update(label=2), 'tracks[0].label'),
        (lambda c: c['tracks'][0]['poses'][1].pop('location'), 'tracks[0].poses[1].location'),
        (lambda c: c.update(frame='left'), 'frame'),
    ],
    ids=['time goes back', 'frames not in order', 'label', 'missing', 'camera frame'],
)
def test_wrong_files_are_refused(clip, tmp_path, change, field):
    path = changed(clip[0], tmp_path / 'a.json', change)
    with raises(DataError, path=path, field=field):
        evaluate_tracks(path, clip[1])


def test_frames_of_another_size_are_refused(clip, tmp_path):
    write_annotated(tmp_path / 'clip', wh=(80, 60))
    with raises(DataError, argument='file'):
        evaluate_tracks(clip[0], tmp_path)


def test_the_video_is_chosen_by_its_name(clip, tmp_path):
    write_annotated(tmp_path / 'other')
    write_annotated(tmp_path / 'third', frames=(0,))
    with raises(DataError, argument='data'):
        evaluate_tracks(clip[0], tmp_path)
    write_annotated(tmp_path / 'clip')
    assert evaluate_tracks(clip[0], tmp_path)['num_images'] == len(FRAMES)


def test_a_file_of_another_model_is_refused(clip):
    with raises(DataError, path=clip[0]):
        evaluate_tracks(*clip, config='dla34_bike')


def test_a_file_without_symmetries_needs_a_config(clip, tmp_path):
    path = changed(clip[0], tmp_path / 'a.json', lambda c: c.pop('dataset_meta'))
    with raises(DataError, path=path):
        evaluate_tracks(path, clip[1])
    with raises(DataError, path=path):
        evaluate_tracks(path, clip[1], config='dla34_bike')


def test_predictions_have_their_own_annotations(tmp_path):
    path = tmp_path / 'dump.json'
    path.write_text('{"format": "cpose-predictions"}')
    assert main(['evaluate', str(path), '--data', str(tmp_path)]) == 2


def test_frames_of_another_video_are_refused(clip, tmp_path):
    write_annotated(tmp_path / 'clip', frames=(70, 71))
    with raises(DataError, path=clip[0]):
        evaluate_tracks(clip[0], tmp_path)
