"""Inputs, cameras and outputs of inference."""

import numpy as np

from cpose.apis.builder import choose_device
from cpose.apis.inference.calibration import Camera, SceneCameras
from cpose.apis.inference.camera_io import make_camera, read_camera_file
from cpose.apis.inference.image_sources import read_images
from cpose.metric_scale.board_pose import read_pattern
from cpose.metric_scale.depth_images import DepthImages, read_depth
from cpose.metric_scale.known_sizes import KnownDimensions


def with_camera(text):
    def run(folder):
        (folder / 'camera.yaml').write_text(text)
        read_camera_file(folder / 'camera.yaml')

    return run


def with_depth(values):
    def run(folder):
        np.save(folder / 'a.npy', values)
        read_depth(folder / 'a.npy')

    return run


CASES = {
    'camera that is neither': lambda folder: make_camera(['a', 'b']),
    'camera of three numbers': lambda folder: make_camera([60, 60, 32]),
    'camera of no focal length': lambda folder: make_camera([0, 60, 32, 32]),
    'camera file that is missing': lambda folder: read_camera_file(folder / 'camera.yaml'),
    'camera file without camera': with_camera('width: 64'),
    'camera file without a number': with_camera('fx: 60'),
    'camera file of a transposed matrix': with_camera('K: [1, 0, 0, 0, 1, 0, 320, 240, 1]'),
    'camera file of seven numbers': with_camera('1 2 3 4 5 6 7'),
    'camera file of several cameras': with_camera('{cam0: {a: 1}, cam1: {a: 1}}'),
    'camera file of a fisheye': with_camera(
        '{cam0: {intrinsics: [1, 1, 1, 1], camera_model: omni}}'
    ),
    'camera file of endless aliases': with_camera('a: &a [*a]'),
    'camera of a turned image': lambda folder: Camera(np.eye(3), image_wh=(6, 4)).for_image((4, 6)),
    'scene without the camera of an image': lambda folder: SceneCameras({}, 'a.json').of_image(
        '7.png'
    ),
    'stream that does not answer': lambda folder: list(read_images('http://127.0.0.1:1/a')),
    'camera file with a wrong number': with_camera('{fx: -60, fy: 60, cx: 32, cy: 32}'),
    'input that is missing': lambda folder: list(read_images('none.jpg')),
    'input that is an empty folder': lambda folder: list(read_images(str(folder))),
    'input of another type': lambda folder: list(read_images(5)),
    'input of another shape': lambda folder: list(read_images(np.zeros((4, 4), np.uint8))),
    'metres without an extent': lambda folder: KnownDimensions(),
    'metres of an unknown category': lambda folder: setattr(
        KnownDimensions(height={'mug': 0.1}), 'dataset_meta', {'category': ('cup',)}
    ),
    'depths that are no folder': lambda folder: DepthImages(folder / 'none'),
    'depth image of colours': with_depth(np.zeros((4, 4, 3), np.uint8)),
    'marker of an unknown kind': lambda folder: read_pattern({'kind': 'circles'}),
    'marker without its size': lambda folder: read_pattern({'kind': 'marker', 'id': 3}),
    'device that is unknown': lambda folder: choose_device('gpu'),
}
