"""Results as JSON, one file per image.

The files are in TAO's format with score, category and box added.

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

from cpose.errors import ConfigError
from cpose.files.atomic import write_atomic
from cpose.files.outputs import check_replaceable
from cpose.geometry.rotation import multiply_quaternions, quaternion_from_matrix
from cpose.structures.camera import GL_FROM_CV, gl_from_cv
from cpose.structures.object_pose import ObjectPose, PoseResult, VideoFrame

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
        pixels), ``class`` where the name is known, ``reprojection_error`` (pixels) and
        ``relative_error`` (see `ObjectPose`) of a pose, ``failure`` where there is none, and what
        further branches found (`ObjectPose.extras`), such as ``keypoints_std`` (8×2, pixels) and
        ``dims_std`` (3). ``unit`` of the lengths is ``object_height`` or ``m``, ``scale_source``
        says what told the metres, null where nothing did. Metric objects have ``dimensions`` (3),
        ``dimensions_std`` and ``location_std`` (3 each), metres, standard deviations;
        ``relative_scale`` stays in the unit of the model. Where a source does not know the scale,
        ``scale_failure`` says why. With a tracker each has ``track_id``, and ``found`` with
        ``location``, ``quaternion_xyzw`` and ``relative_scale`` of the frame alone, null while it
        is hidden.

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
        'intrinsics': plain(result.intrinsics),
        'distortion': plain(result.distortion),
        'is_camera_guessed': result.is_camera_guessed,
        **_frame_to_dict(result.video_frame),
        'objects': [
            {'id': f'object_{number}', **_object_to_dict(pose, frame, categories)}
            for number, pose in enumerate(result.poses)
        ],
    }


def _frame_to_dict(frame: VideoFrame | None) -> dict[str, Any]:
    if frame is None:
        return {}
    values = {name: value for name, value in asdict(frame).items() if name != 'received'}
    return {'video_frame': values}


def write_result_json(
    path: str | Path, result: PoseResult, frame: str = 'opencv', categories: Sequence[str] = ()
) -> None:
    """Write the JSON file of one image; see `result_to_dict`.

    Raises:
        OutputError: If the file cannot be written.
    """
    check_replaceable(path)
    text = json.dumps(result_to_dict(result, frame, categories), indent=4, allow_nan=False)
    write_atomic(path, text.encode(), ANOTHER_FOLDER, 'out', is_durable=False)


def _object_to_dict(pose: ObjectPose, frame: str, categories: Sequence[str]) -> dict[str, Any]:
    keypoints = pose.keypoints_cv
    if keypoints is not None and frame == 'objectron':
        keypoints = gl_from_cv(keypoints)
    values = {
        **pose_to_dict(pose, frame),
        'keypoints_3d': plain(keypoints),
        'projected_keypoints_2d': plain(pose.keypoints_image),
        'keypoints_2d': plain(pose.corners_image),
        'score': pose.score,
        'label': pose.label,
        'bbox': plain(pose.bbox_image),
        **scale_to_dict(pose, frame),
    }
    if pose.label < len(categories):
        values['class'] = categories[pose.label]
    values.update(quality_to_dict(pose))
    if pose.track is not None:
        values['track_id'] = pose.track.number
        values['found'] = found_to_dict(pose, frame)
    for name, value in pose.extras.items():
        if name in values:
            raise ConfigError(
                'is what the JSON files call another result',
                argument='name',
                value=name,
                advice='Rename it among the extras of the class of the branch',
            )
        values[name] = plain(value)
    return values


def pose_to_dict(pose: ObjectPose, frame: str) -> dict[str, Any]:
    """Return ``location``, ``quaternion_xyzw`` and ``relative_scale`` as `result_to_dict` does."""
    location, quaternion = pose.location_cv, pose.quaternion_xyzw
    factor = pose.metric_scale.factor if pose.metric_scale else None
    if frame == 'objectron' and location is not None and quaternion is not None:
        location = gl_from_cv(location)
        quaternion = multiply_quaternions(QUATERNION_GL_FROM_CV, quaternion)
    return {
        'location': plain(location),
        'quaternion_xyzw': plain(quaternion),
        'relative_scale': plain(pose.dims / (factor or 1.0)),
    }


def quality_to_dict(pose: ObjectPose) -> dict[str, Any]:
    """Return how well a pose fits its corners, or why there is none."""
    names = ('reprojection_error', 'relative_error', 'failure')
    return {name: getattr(pose, name) for name in names if getattr(pose, name) is not None}


def scale_to_dict(pose: ObjectPose, frame: str) -> dict[str, Any]:
    """Return the unit of lengths, and extents and uncertainties of metric objects."""
    scale = pose.metric_scale
    if scale is None or scale.factor is None:
        failure = {} if scale is None else {'scale_failure': scale.failure}
        return {'unit': 'object_height', 'scale_source': None, **failure}
    location_std = scale.location_std
    if frame == 'objectron' and location_std is not None:
        location_std = np.abs(gl_from_cv(location_std))
    return {
        'unit': 'm',
        'scale_source': scale.source,
        'dimensions': plain(pose.dims),
        'dimensions_std': plain(scale.dims_std),
        'location_std': plain(location_std),
    }


def found_to_dict(pose: ObjectPose, frame: str) -> dict[str, Any] | None:
    """Return what was found of a track in the frame alone, None while it is hidden."""
    found = None if pose.track is None else pose.track.found
    return None if found is None else pose_to_dict(found, frame)


def plain(array: np.ndarray | None) -> Any:
    """Return nested lists of numbers, null where there is none: JSON knows no NaN."""
    if array is None:
        return None
    array = np.asarray(array, dtype=np.float64)
    if np.isfinite(array).all():
        return array.tolist()
    objects = array.astype(object)
    objects[~np.isfinite(array)] = None
    return objects.tolist()
