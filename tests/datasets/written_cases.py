"""Folders of annotations as others write them: three pictures of one box each, known exactly."""

import json
import shutil
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / 'data' / 'annotations'
CASES = {
    'points_in_opencv': {'camera_frame': 'opencv'},
    'points_in_opengl': {'camera_frame': 'opengl'},
    'centroid_last': {'projected_cuboid': 'centroid_last'},
    'dope_order': {'projected_cuboid': 'dope'},
    'principal_point_zero': {'intrinsics': 'zero_principal_point'},
    'centimetres': {'scale': 'centimetres'},
}
"""What explains each folder."""


def copy_case(name, folder):
    """Copy the files of a case and their pictures to a new folder; return it."""
    root = folder / name
    root.mkdir()
    for file in sorted((DATA / name).glob('*.json')):
        shutil.copy(file, root)
        for picture in (DATA / 'pictures').glob(f'{file.stem}.*'):
            shutil.copy(picture, root)
    return root


def read_case(name):
    """Return the contents of the files of a case, parsed."""
    return [json.loads(file.read_bytes()) for file in sorted((DATA / name).glob('*.json'))]


def true_boxes():
    """Return the right values of all three pictures, by field; scales of this case are in cm."""
    files = read_case('centimetres')
    items = [file['objects'][0] for file in files]
    names = ('fx', 'fy', 'cx', 'cy')
    return {
        'keypoints_gl': np.array([item['keypoints_3d'] for item in items]),
        'keypoints_image': np.array([item['projected_cuboid'] for item in items]),
        'dims_metric': np.array([item['scale'] for item in items]) / 100,
        'camera': np.array([[f['camera_data']['intrinsics'][n] for n in names] for f in files]),
    }
