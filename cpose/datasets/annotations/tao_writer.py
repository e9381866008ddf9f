"""Write images with annotations in the TAO CenterPose format (Objectron-derived JSON).

Every file is written completely under another name first and then renamed, so that an
interruption leaves no half file behind; the same records give the same bytes.
"""

import errno
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cpose.datasets.annotations.annotation import LENS
from cpose.datasets.annotations.extras import unstack_extras
from cpose.errors import unwritable
from cpose.files.atomic import write_atomic
from cpose.geometry.rotation import quaternion_from_matrix
from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.image_record import CompleteRecord

JPEG_QUALITY = 95
ADVICE = 'Check that the folder exists, that it is yours and that the disk has room'


def write_record(
    record: CompleteRecord, folder: str | Path, stem: str, categories: tuple[str, ...]
) -> Path:
    """Write one image and its annotation as ``stem.jpg`` and ``stem.json``.

    Args:
        record: The image and everything about it.
        folder: Existing folder.
        stem: File name without suffix.
        categories: Category names by label.

    Returns:
        Path of the image.

    Raises:
        OutputError: If a file cannot be written.
    """
    if not Path(folder).is_dir():
        missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        raise unwritable(Path(folder, f'{stem}.json'), missing, ADVICE)
    _, data = cv2.imencode('.jpg', record.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    text = json.dumps(build_annotation(record, categories), indent=1) + '\n'
    image_path = Path(folder, f'{stem}.jpg')
    for path, content in (
        (image_path.with_suffix('.json'), text.encode()),
        (image_path, data.tobytes()),
    ):
        write_atomic(path, content, ADVICE, is_durable=False)
    return image_path


def build_annotation(record: CompleteRecord, categories: tuple[str, ...]) -> dict[str, Any]:
    """Return the content of the annotation file.

    3D points are in the Objectron camera frame, therefore ``camera_view_matrix`` is the identity;
    ``projected_cuboid`` keeps its fractions. See `write_record` for the arguments.
    """
    annotations, symmetries = record.annotations, record.symmetries
    extras = unstack_extras(annotations)
    camera = describe_camera(record.image_wh, record.intrinsics, record.distortion)
    content: dict[str, Any] = {'camera_data': camera}
    if annotations.plane_gl is not None:
        point, normal = annotations.plane_gl.tolist()
        content['AR_data'] = {'plane_center': point, 'plane_normal': normal}
    content['objects'] = [
        {
            **extras[k],
            'class': categories[annotations.labels[k]],
            'name': f'{categories[annotations.labels[k]]}_{k}',
            'provenance': 'synthetic',
            **describe_pose(annotations.keypoints_gl[k]),
            'projected_cuboid': annotations.keypoints_image[k].tolist(),
            'scale': annotations.dims_metric[k].tolist(),
            'keypoints_3d': annotations.keypoints_gl[k].tolist(),
            'visibility': float(annotations.visibility[k]),
            'symmetric': bool(symmetries[k].order > 1),
        }
        for k in range(len(annotations))
    ]
    return content


def describe_camera(
    image_wh: tuple[int, int], intrinsics: np.ndarray, distortion: np.ndarray | None = None
) -> dict[str, Any]:
    """Return the field ``camera_data`` of a camera at the origin of the 3D points.

    Args:
        image_wh: Width and height, pixels.
        intrinsics: (3, 3), pixels.
        distortion: Lens coefficients k1 k2 p1 p2 ...; None leaves the field out.
    """
    width, height = image_wh
    (fx, _, cx), (_, fy, cy), _ = intrinsics.tolist()
    lens = {} if distortion is None else {LENS: distortion.tolist()}
    return {
        'width': int(width),
        'height': int(height),
        'camera_view_matrix': np.eye(4).tolist(),
        # The Objectron camera is turned by a quarter: rows belong to the image's y, then x axis.
        'camera_projection_matrix': [
            [2 * fy / height, 0.0, 1 - 2 * cy / height, 0.0],
            [0.0, 2 * fx / width, 1 - 2 * cx / width, 0.0],
            [0.0, 0.0, -1.0, -0.001],
            [0.0, 0.0, -1.0, 0.0],
        ],
        'intrinsics': {'fx': fx, 'fy': fy, 'cx': cx, 'cy': cy},
        **lens,
    }


def describe_pose(keypoints_gl: np.ndarray) -> dict[str, Any]:
    """Return the fields ``location`` and ``quaternion_xyzw`` of keypoints (9, 3) of a cuboid."""
    sides = keypoints_gl[1:].T @ CORNER_SIGNS
    rotation = sides / np.linalg.norm(sides, axis=0)
    return {
        'location': keypoints_gl[0].tolist(),
        'quaternion_xyzw': quaternion_from_matrix(rotation).tolist(),
    }
