"""Videos and files of tracks that cannot be followed, smoothed or evaluated."""

import itertools
import json
from types import SimpleNamespace

import cv2
import numpy as np
from mmengine.config import Config

from cpose.apis.track_evaluation import evaluate_tracks
from cpose.apis.tracks.track_smoothing import smooth_tracks
from cpose.cli.commands.infer import _set_lag
from cpose.evaluation.tracks.track_metric import find_videos
from cpose.structures.object_pose import PoseResult, VideoFrame
from cpose.tracking.base import FrameOrder

POSE = {
    'number': 0,
    'time': 0.0,
    'score': 0.9,
    'unit': 'object_height',
    'location': [0, 0, 5],
    'quaternion_xyzw': [0, 0, 0, 1],
    'relative_scale': [1, 1, 1],
    'found': None,
}
CAMERA = {'number': 0, 'intrinsics': [[60, 0, 32], [0, 60, 24], [0, 0, 1]], 'distortion': None}
META = {'category': ['box'], 'symmetry': [{'type': 'NoSymmetry'}], 'eval_num_symmetry': [1]}
CONTENT = {
    'video': 'clip',
    'frame': 'opencv',
    'fps': 10.0,
    'image_size': [64, 48],
    'is_camera_guessed': False,
    'dataset_meta': META,
    'tracker': {'type': 'PoseTracker'},
    'frames': {'number': [0, 1], 'time': [0.0, 0.1]},
    'cameras': [CAMERA],
    'tracks': [{'track_id': 1, 'label': 0, 'class': 'box', 'earlier': [], 'poses': [POSE]}],
}


def follow(*frames, wh=(64, 48)):
    """Return a case of frames: video, number, time, and perhaps another size."""

    def run(folder):
        order = FrameOrder()
        for video, number, time, *size in frames:
            frame = VideoFrame(video, number, time, 10.0)
            order.follows(PoseResult('clip.mp4#1', *(size or [wh]), None, video_frame=frame))

    return run


def find(*names, sizes=((64, 48),)):
    """Return a case of the frames of a test."""
    records = [
        SimpleNamespace(image_name=name, image_wh=np.array(wh, float))
        for name, wh in itertools.zip_longest(names, sizes, fillvalue=sizes[0])
    ]
    return lambda folder: find_videos(records)


def write(folder, left_out=(), **changes):
    path = folder / 'clip.tracks.json'
    content = {name: value for name, value in CONTENT.items() if name not in left_out}
    path.write_text(json.dumps({**content, **changes}))
    return path


def smooth(left_out=(), **changes):
    return lambda folder: smooth_tracks(write(folder, left_out, **changes), folder / 'out')


def track_of(**changes):
    return [{**CONTENT['tracks'][0], **changes}]


def draw(count=2, wh=(64, 48), fps=10.0):
    def run(folder):
        clip = folder / 'clip.avi'
        writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*'MJPG'), fps, wh)
        for _ in range(count):
            writer.write(np.zeros((wh[1], wh[0], 3), np.uint8))
        writer.release()
        smooth_tracks(write(folder), folder / 'out', video=clip)

    return run


def draw_a_picture(folder):
    cv2.imwrite(str(folder / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    smooth_tracks(write(folder), folder / 'out', video=folder / 'a.png')


CASES = {
    'time that goes back': follow(('clip', 0, 0.0), ('clip', 1, -0.1)),
    'frame number that goes back': follow(('clip', 5, 0.5), ('clip', 4, 0.6)),
    'frame of another size': follow(('clip', 0, 0.0), ('clip', 1, 0.1, (48, 64))),
    'videos that take turns': follow(('a', 0, 0.0), ('b', 0, 0.0), ('a', 1, 0.1)),
    'smoothing without tracking': lambda folder: _set_lag(Config(), 30),
    'frame without a number': find('street.png'),
    'frames with the same number': find('a/7.png', 'a/07.png'),
    'frames of two sizes': find('a/1.png', 'a/2.png', sizes=[(64, 48), (48, 64)]),
    'tracks of another model': lambda folder: evaluate_tracks(
        write(folder), folder, config='dla34_bike'
    ),
    'tracks without symmetries': lambda folder: evaluate_tracks(
        write(folder, ('dataset_meta',)), folder
    ),
    'tracks that are no file of tracks': smooth(('frame',)),
    'tracks in an unknown frame': smooth(frame='left'),
    'tracks of an earlier version': smooth(('tracker',)),
    'tracks of another tracker': smooth(tracker={'type': 'CornerTracker'}),
    'tracks with a wrong setting': smooth(tracker={'type': 'PoseTracker', 'acceleration': -1}),
    'tracks with an unknown setting': smooth(tracker={'type': 'PoseTracker', 'colour': 1}),
    'tracks of an unknown category': smooth(tracks=track_of(label=2)),
    'tracks whose frames are not in order': smooth(tracks=track_of(poses=[POSE, POSE])),
    'tracks whose time goes back': smooth(
        tracks=track_of(poses=[{**POSE, 'time': 0.3}, {**POSE, 'number': 1, 'time': 0.1}])
    ),
    'tracks in a frame that is missing': smooth(tracks=track_of(poses=[{**POSE, 'number': 7}])),
    'tracks without a camera': smooth(cameras=[]),
    'tracks of a lens with one number': smooth(cameras=[{**CAMERA, 'distortion': [0.1]}]),
    'tracks of a longer video': draw(count=1),
    'tracks of a video of another size': draw(wh=(96, 48)),
    'tracks of a video of another rate': draw(fps=25.0),
    'tracks beside a picture': draw_a_picture,
}
