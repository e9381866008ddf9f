"""Small images with annotation files, for the tests of reading data."""

import json

import cv2
import numpy as np

from cpose.geometry.projection import project_points
from cpose.structures.camera import cv_from_gl, gl_from_cv
from cpose.structures.cuboid import cuboid_keypoints

IMAGE_WH = (60, 80)
INTRINSICS = {'fx': 70.0, 'fy': 72.0, 'cx': 31.0, 'cy': 39.0}
CAMERA_MATRIX = np.array([[70.0, 0, 31.0], [0, 72.0, 39.0], [0, 0, 1]])
TILT = np.array([[0.8, 0, 0.6], [0.36, 0.8, -0.48], [-0.48, 0.6, 0.64]])


def projection_matrix(image_wh=IMAGE_WH, shift_px=0.0):
    """Return the 4×4 matrix of the quarter-turned camera; ``shift_px`` moves it to the right."""
    width, height = image_wh
    fx, fy, cx, cy = INTRINSICS.values()
    return [
        [2 * fy / height, 0, 1 - 2 * cy / height, 0],
        [0, 2 * fx / width, 1 - 2 * (cx + shift_px) / width, 0],
        [0, 0, -1, -0.001],
        [0, 0, -1, 0],
    ]


def make_object(dims=(0.2, 0.4, 0.3), location_cv=(0.05, -0.02, 1.5), **changes):
    """Return one entry of ``objects``; a change to None removes the field."""
    keypoints_cv = cuboid_keypoints(np.array(dims)) @ TILT.T + np.array(location_cv)
    item = {
        'class': 'bottle',
        'name': 'bottle_0',
        'visibility': 0.75,
        'scale': list(dims),
        'keypoints_3d': gl_from_cv(keypoints_cv).tolist(),
        'projected_cuboid': project_points(keypoints_cv, CAMERA_MATRIX).tolist(),
        **changes,
    }
    return {key: value for key, value in item.items() if value is not None}


def make_annotation(*objects, image_wh=IMAGE_WH, **changes):
    """Return the content of one annotation file; a change to None removes the field."""
    content = {
        'camera_data': {
            'width': image_wh[0],
            'height': image_wh[1],
            'intrinsics': dict(INTRINSICS),
            'camera_projection_matrix': projection_matrix(image_wh),
        },
        'AR_data': {'plane_center': [0.1, 0.2, -1.5], 'plane_normal': [-1.0, 0.0, 0.1]},
        'objects': list(objects) or [make_object()],
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


def make_image(image_wh=IMAGE_WH, seed=0):
    """Return smooth colours, (h, w, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    return cv2.resize(coarse, image_wh, interpolation=cv2.INTER_LINEAR)


def write_pair(folder, stem, annotation=None, image_wh=IMAGE_WH, extension='.png', seed=0):
    """Write an image and its JSON file; returns the path of the JSON file."""
    image_path = folder / f'{stem}{extension}'
    image_path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(extension.lower(), make_image(image_wh, seed))[1]
    image_path.write_bytes(encoded.tobytes())
    path = folder / f'{stem}.json'
    content = make_annotation(image_wh=image_wh) if annotation is None else annotation
    path.write_text(json.dumps(content))
    return path


def keypoints_cv_of(annotation, number=0):
    """Return the annotated 3D keypoints of one object in the OpenCV frame, (9, 3)."""
    return cv_from_gl(np.array(annotation['objects'][number]['keypoints_3d']))
