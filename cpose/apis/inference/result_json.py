"""Results as JSON, in TAO's format with score, category and box added.

Source: TAO PyTorch 6.25.10, inference results. Deviation: objects without a pose are listed, with
null in the pose fields, and the reason if one was looked for.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cpose.errors import ConfigError, unwritable
from cpose.geometry.rotation import multiply_quaternions, quaternion_from_matrix
from cpose.structures.camera import GL_FROM_CV, gl_from_cv
from cpose.structures.object_pose import ObjectPose, PoseResult

FRAMES = ('opencv', 'objectron')
"""Camera frames of location, quaternion and 3D keypoints; 2D points do not depend on them."""

ANOTHER_FOLDER = 'Choose another output folder'
QUATERNION_GL_FROM_CV = quaternion_from_matrix(GL_FROM_CV)


def result_to_dict(
    result: PoseResult, frame: str = 'opencv', categories: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what the JSON file of one image holds.

    Args:
        result: All poses of the image.
        frame: ``'opencv'`` (x right, y down, z forward) or ``'objectron'`` (x down, y right, z
            backward: the frame of TAO's annotations).
        categories: Names by label.

    Returns:
        ``image_name``, ``image_size`` (width, height), ``frame``, ``intrinsics``, ``distortion``
        (k1 k2 p1 p2 ..., null for a pinhole), ``is_camera_guessed``, ``video_frame`` (``video``,
        ``number``, ``time`` in seconds, ``fps``) of the frames of a video, and ``objects``; of each
        object ``id``, ``location`` (3), ``quaternion_xyzw`` (4), ``keypoints_3d`` (9×3),
        ``projected_keypoints_2d`` (9×2, pixels, with the distortion), ``keypoints_2d`` (8×2,
        pixels), ``relative_scale`` (3), ``score``, ``label``, ``bbox`` (left, top, right, bottom,
        pixels), ``class`` where the name is known, ``failure`` where no pose was found, and what
        further branches found (`ObjectPose.extras`), such as ``keypoints_std`` (8×2, pixels) and
        ``dims_std`` (3).

    Raises:
        ConfigError: If the frame is unknown, or a branch has a result of the same name.
    """
    if frame not in FRAMES:
        raise ConfigError(
            'is unknown', argument='frame', value=frame, advice=f'Use one of {", ".join(FRAMES)}'
        )
    return {
        'image_name': os.path.basename(result.image_path),
        'image_size': list(result.image_wh),
        'frame': frame,
        'intrinsics': _plain(result.intrinsics),
        'distortion': _plain(result.distortion),
        'is_camera_guessed': result.is_camera_guessed,
        **({} if result.video_frame is None else {'video_frame': asdict(result.video_frame)}),
        'objects': [
            {'id': f'object_{number}', **_object_to_dict(pose, frame, categories)}
            for number, pose in enumerate(result.poses)
        ],
    }


def write_result_json(
    path: str | Path, result: PoseResult, frame: str = 'opencv', categories: Sequence[str] = ()
) -> None:
    """Write the JSON file of one image; see `result_to_dict`.

    Raises:
        OutputError: If the file cannot be written.
    """
    content = result_to_dict(result, frame, categories)
    try:
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(content, file, indent=4, allow_nan=False)
    except OSError as error:
        raise unwritable(path, error, ANOTHER_FOLDER, 'out') from error


def _object_to_dict(pose: ObjectPose, frame: str, categories: Sequence[str]) -> dict[str, Any]:
    location, keypoints = pose.location_cv, pose.keypoints_cv
    quaternion = pose.quaternion_xyzw
    if frame == 'objectron' and pose.has_pose:
        assert location is not None
        assert keypoints is not None
        assert quaternion is not None
        location, keypoints = gl_from_cv(location), gl_from_cv(keypoints)
        quaternion = multiply_quaternions(QUATERNION_GL_FROM_CV, quaternion)
    values = {
        'location': _plain(location),
        'quaternion_xyzw': _plain(quaternion),
        'keypoints_3d': _plain(keypoints),
        'projected_keypoints_2d': _plain(pose.keypoints_image),
        'keypoints_2d': _plain(pose.corners_image),
        'relative_scale': _plain(pose.dims),
        'score': pose.score,
        'label': pose.label,
        'bbox': _plain(pose.bbox_image),
    }
    if pose.label < len(categories):
        values['class'] = categories[pose.label]
    if pose.failure is not None:
        values['failure'] = pose.failure
    for name, value in pose.extras.items():
        if name in values:
            raise ConfigError(
                'is what the JSON files call another result',
                argument='name',
                value=name,
                advice='Rename it among the extras of the class of the branch',
            )
        values[name] = _plain(value)
    return values


def _plain(array: np.ndarray | None) -> Any:
    """Return nested lists of numbers, null where there is none: JSON knows no NaN."""
    if array is None:
        return None
    array = np.asarray(array, dtype=np.float64)
    if np.isfinite(array).all():
        return array.tolist()
    objects = array.astype(object)
    objects[~np.isfinite(array)] = None
    return objects.tolist()
