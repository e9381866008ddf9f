"""A folder of correct annotated pictures, into which tests put one fault each."""

import json

import cv2
import numpy as np

from cpose.geometry.rotation import matrix_from_quaternion

from ..datasets.annotations.written_files import CAMERA, IMAGE_WH, correct_file

NUM_FILES = 8
EXIF_TURN = (
    b'\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01'
    b'\x00\x06\x00\x00\x00\x00\x00\x00'
)
"""A segment of a JPEG that says: turn by a quarter."""


def make_picture(seed, image_wh=IMAGE_WH):
    """Return colours that are unlike those of any other seed, (h, w, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(coarse, image_wh, interpolation=cv2.INTER_CUBIC)


def encode(image, extension='.jpg'):
    return cv2.imencode(extension, image)[1].tobytes()


def write_files(root, names=None, first_seed=0):
    """Write correct pairs and return their contents by stem."""
    contents = {}
    for number, name in enumerate(names or [f'{n:03d}' for n in range(NUM_FILES)]):
        contents[name] = correct_file(first_seed + number)
        write_file(root, name, contents[name], first_seed + number)
    return contents


def write_file(root, name, content, seed=99, image=None):
    path = root / f'{name}.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    path.with_suffix('.jpg').write_bytes(encode(make_picture(seed) if image is None else image))


def project(points_gl):
    """Return pixels of points in Objectron's frame, wherever they are."""
    points = np.asarray(points_gl)[..., [1, 0, 2]] * [1, 1, -1]
    fx, fy, cx, cy = CAMERA.values()
    return points[..., :2] / points[..., 2:] * [fx, fy] + [cx, cy]


def put_behind(content):
    """Move the object behind the camera, with the pixels that the formula gives there."""
    item = content['objects'][0]
    shift = -2 * np.array(item['location']) * [0, 0, 1]
    item['location'] = (np.array(item['location']) + shift).tolist()
    item['keypoints_3d'] = (np.array(item['keypoints_3d']) + shift).tolist()
    item['projected_cuboid'] = project(item['keypoints_3d']).tolist()


def scale_all(content, factor):
    """Write all lengths of a file in another unit."""
    for item in content['objects']:
        for name in ('scale', 'location', 'keypoints_3d'):
            item[name] = (np.array(item[name]) * factor).tolist()


def resize_object(content, dims, **fields):
    """Give the object other extents, all fields of which agree, and other fields."""
    item = content['objects'][0]
    rotation = matrix_from_quaternion(np.array(item['quaternion_xyzw']))
    old = np.array(item['keypoints_3d'])
    axes = (old - old[0]) @ rotation / np.array(item['scale'])
    item['keypoints_3d'] = (old[0] + axes * np.array(dims) @ rotation.T).tolist()
    item['projected_cuboid'] = project(item['keypoints_3d']).tolist()
    item['scale'] = list(dims)
    item.update(fields)


def turned_jpeg(image):
    """Return a JPEG with EXIF orientation 6."""
    content = encode(image)
    return content[:2] + EXIF_TURN + content[2:]
