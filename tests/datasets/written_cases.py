"""Folders of annotations as others write them: three pictures of one box each, known exactly."""

import json
import shutil
from pathlib import Path

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
