"""Write the motion of shots as reconstructions have it: turned, moved and in another unit."""

import json
import struct

import cv2
import numpy as np

from cpose.geometry.rotation import quaternion_from_matrix

from .rendered_video import IMAGE_WH, INTRINSICS

UNIT = 0.37
"""Metres."""
TURN = cv2.Rodrigues(np.array([0.4, -1.1, 0.7]))[0]
SHIFT = np.array([0.3, -2.0, 1.0])
CAMERA = (640.0, 640.0, 404.5, 297.5)
"""fx, fy, cx, cy; the middle of the first pixel is (0.5, 0.5)."""


def cv_from_foreign(shot, unit=UNIT):
    """Return (4, 4) the pose of a shot in the world of the reconstruction."""
    world_from_foreign = np.eye(4)
    world_from_foreign[:3, :3], world_from_foreign[:3, 3] = TURN * unit, SHIFT
    matrix = shot.cv_from_world @ world_from_foreign
    matrix[:3] /= unit
    return matrix


def write_text_model(folder, shots, names, model='OPENCV', lens=(0, 0, 0, 0)):
    """Write a model of COLMAP as text."""
    folder.mkdir(parents=True, exist_ok=True)
    focal = CAMERA if model in ('PINHOLE', 'OPENCV', 'FULL_OPENCV', 'FOV') else CAMERA[1:]
    words = ' '.join(map(str, (*focal, *lens)))
    size = f'{IMAGE_WH[0]} {IMAGE_WH[1]}'
    (folder / 'cameras.txt').write_text(f'# Cameras\n7 {model} {size} {words}\n')
    lines = ['# Images', '# Number of images']
    for number, (shot, name) in enumerate(zip(shots, names, strict=True), 1):
        matrix = cv_from_foreign(shot)
        x, y, z, w = quaternion_from_matrix(matrix[:3, :3])
        pose = ' '.join(repr(float(value)) for value in (w, x, y, z, *matrix[:3, 3]))
        lines += [f'{number} {pose} 7 {name}', '1.5 2.5 -1 3.5 4.5 8' if number % 2 else '']
    (folder / 'images.txt').write_text('\n'.join([*lines, '']))
    return folder


def write_binary_model(folder, shots, names):
    """Write a model of COLMAP in binary form."""
    folder.mkdir(parents=True, exist_ok=True)
    camera = struct.pack('<QIiQQ8d', 1, 7, 4, *IMAGE_WH, *CAMERA, 0, 0, 0, 0)
    (folder / 'cameras.bin').write_bytes(camera)
    parts = [struct.pack('<Q', len(shots))]
    for number, (shot, name) in enumerate(zip(shots, names, strict=True), 1):
        matrix = cv_from_foreign(shot)
        x, y, z, w = quaternion_from_matrix(matrix[:3, :3])
        parts.append(struct.pack('<I7dI', number, w, x, y, z, *matrix[:3, 3], 7))
        parts.append(name.encode() + b'\0' + struct.pack('<Q', number % 3))
        parts.append(struct.pack('<ddQ', 1.5, 2.5, 3) * (number % 3))
    (folder / 'images.bin').write_bytes(b''.join(parts))
    return folder


def write_transforms(path, shots, names, **changes):
    """Write the file of nerfstudio and instant-ngp."""
    frames = [
        {
            'file_path': f'images/{name}',
            'transform_matrix': (
                np.linalg.inv(cv_from_foreign(shot)) @ np.diag([1, -1, -1, 1])
            ).tolist(),
        }
        for shot, name in zip(shots, names, strict=True)
    ]
    numbers = dict(zip(('fl_x', 'fl_y', 'cx', 'cy'), CAMERA, strict=True))
    content = {'camera_model': 'OPENCV', **numbers, 'w': IMAGE_WH[0], 'h': IMAGE_WH[1]}
    path.write_text(json.dumps({**content, 'k1': 0.0, **changes, 'frames': frames}))
    return path


def write_stray_scan(folder, shots):
    """Write what Stray Scanner records, in metres."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [', '.join(map(str, row)) for row in INTRINSICS.tolist()]
    (folder / 'camera_matrix.csv').write_text('\n'.join(rows))
    lines = ['timestamp, frame, x, y, z, qx, qy, qz, qw']
    for number, shot in enumerate(shots):
        pose = np.linalg.inv(cv_from_foreign(shot, 1.0))
        values = [*pose[:3, 3], *quaternion_from_matrix(pose[:3, :3])]
        lines.append(', '.join([f'{number / 60}', f'{number:06d}', *map(str, values)]))
    (folder / 'odometry.csv').write_text('\n'.join([*lines, '']))
    return folder
