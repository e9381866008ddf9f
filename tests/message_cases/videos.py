"""Videos that cannot be annotated."""

from pathlib import Path

import numpy as np

from cpose.annotation.video.camera_motion.board_motion import find_motion
from cpose.annotation.video.camera_motion.posed_images import PosedImage, Reconstruction
from cpose.annotation.video.camera_motion.reconstructions import read_reconstruction
from cpose.annotation.video.motion import FIXED, Frame, Motion
from cpose.annotation.video.preparing import VideoSettings, prepare_video
from cpose.annotation.video.video_boxes import parse_video_boxes
from cpose.annotation.video.video_folder import check_new
from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.image_sources import SourceImage
from cpose.files.json_files import JsonFields
from cpose.metric_scale.boards import Board
from cpose.structures.object_pose import VideoFrame

CAMERA = Camera(np.diag([60.0, 60.0, 1.0]))


def look(board):
    image = np.zeros((48, 64, 3), np.uint8)
    frames = [SourceImage('0', 'a.mp4#0', image, VideoFrame('a', 0, 0.0, 25.0))]
    return find_motion(frames, board, CAMERA, 'a.mp4')


def reconstruction():
    return Reconstruction([PosedImage('b/IMG_1.jpg', CAMERA, np.eye(4))], False, 'sparse/0')


def with_file(name, text):
    def run(folder):
        (folder / name).write_text(text)
        (folder / 'images.txt').write_text('')
        read_reconstruction(Path(folder, name) if name.endswith('.json') else folder)

    return run


def read_boxes(**box):
    motion = Motion(FIXED, (64, 48), (Frame('000004', 4, CAMERA.intrinsics),), False, 'guessed')
    parse_video_boxes(JsonFields({'boxes': [{'category': 'a', **box}]}, 'box.json'), motion)


def fill(folder):
    (folder / 'a.txt').write_text('')
    check_new(folder, {})


CASES = {
    'video that is a stream': ['annotate', 'webcam:0'],
    'video that does not exist': ['annotate', 'none.mp4'],
    'reconstruction that does not exist': lambda folder: read_reconstruction('none'),
    'reconstruction that is none': lambda folder: read_reconstruction(folder),
    'video without a board': lambda folder: look(Board()),
    'video of a chessboard': lambda folder: look(Board('chessboard')),
    'video beside other files': fill,
    'reconstruction of other pictures': lambda folder: reconstruction().by_name(
        {0: 'a.jpg'}, 'pictures'
    ),
    'reconstruction that names no frames': lambda folder: reconstruction().by_frame(10),
    'camera beside a reconstruction': lambda folder: prepare_video(
        folder, folder / 'out', VideoSettings(camera=CAMERA, reconstruction='a')
    ),
    'model with a fisheye lens': with_file('cameras.txt', '1 FOV 64 48 60 60 32 24 0.9'),
    'model that is no text of COLMAP': with_file('cameras.txt', '1 PINHOLE 64'),
    'transforms of a fisheye lens': with_file(
        'transforms.json',
        '{"is_fisheye": true, "frames": [{"file_path": "a", "transform_matrix": '
        '[[1,0,0,0],[0,1,0,0],[0,0,1,0]]}]}',
    ),
    'transforms that are not rigid': with_file(
        'transforms.json',
        '{"frames": [{"file_path": "a", "transform_matrix": [[2,0,0,0],[0,1,0,0],[0,0,1,0]]}]}',
    ),
    'box without frames': lambda folder: read_boxes(),
    'box in a frame that is not used': lambda folder: read_boxes(frames={'5': [None] * 8}),
}
