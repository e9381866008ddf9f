"""From messages of ROS 2 to images and cameras, and from poses to messages; ROS is not needed.

Messages are anything with the fields of their type, as `rclpy` and `rosbags` make them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cpose.apis.inference.calibration import Camera, SceneCameras
from cpose.apis.inference.calibration_formats import parse_calibration
from cpose.errors import DataError
from cpose.structures.object_pose import ObjectPose, PoseResult

MakeMessage = Callable[..., Any]
"""From a type such as ``geometry_msgs/msg/Point`` and all its fields by name to a message."""

CHANNELS = {'bgr8': 3, 'rgb8': 3, 'bgra8': 4, 'rgba8': 4, 'mono8': 1, '8UC1': 1, '8UC3': 3}
"""By encoding of `sensor_msgs/Image`; 8UC3 counts as BGR, as OpenCV writes it."""
UNKNOWN_COVARIANCE = np.zeros(36)
"""ROS takes zeros as unknown."""


def image_of(message: Any) -> np.ndarray:
    """Return the pixels of a ``sensor_msgs/Image``.

    Returns:
        (H, W, 3), BGR uint8.

    Raises:
        DataError: If the encoding is not read, or the data are too short.
    """
    channels = CHANNELS.get(message.encoding)
    if channels is None:
        raise DataError(
            'is an encoding that is not read',
            argument='encoding',
            value=message.encoding,
            advice=f'Convert to one of {", ".join(CHANNELS)}',
        )
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(bytes(message.data), np.uint8)
    if not (height and width and step >= width * channels and len(data) >= step * height):
        raise DataError(
            f'has {len(data)} bytes of {height} rows of {step}, which are no {width}×{height} '
            f'pixels of {channels} bytes',
            argument='data',
            advice='Correct the sender',
        )
    rows = data[: step * height].reshape(height, step)[:, : width * channels]
    pixels = rows.reshape(height, width, channels)[..., :3]
    if channels == 1:
        return np.repeat(pixels, 3, axis=2)
    is_rgb = message.encoding.startswith('rgb')
    return np.ascontiguousarray(pixels[..., ::-1] if is_rgb else pixels)


def camera_of(message: Any) -> Camera:
    """Return the camera of a ``sensor_msgs/CameraInfo``, with its lens, region and binning.

    Raises:
        DataError: If it is not calibrated, or its lens model is not known.
    """
    matrix = np.asarray(_field(message, 'k'), np.float64).ravel()
    if not matrix.any():
        raise DataError(
            'has no calibration: K is zero', argument='k', advice='Calibrate the camera'
        )
    roi = message.roi
    content = {
        'width': int(message.width),
        'height': int(message.height),
        'distortion_model': str(message.distortion_model),
        'K': matrix.tolist(),
        'D': np.asarray(_field(message, 'd'), np.float64).ravel().tolist(),
        'binning_x': int(message.binning_x),
        'binning_y': int(message.binning_y),
    }
    if roi.width and roi.height:
        names = ('x_offset', 'y_offset', 'width', 'height')
        content['roi'] = {name: int(getattr(roi, name)) for name in names}
    camera = parse_calibration(content, 'CameraInfo')
    assert isinstance(camera, Camera)
    assert not isinstance(camera, SceneCameras)
    return camera


def _field(message: Any, name: str) -> Any:
    """Return a field that ROS 1 and rosbags write in upper case."""
    return getattr(message, name) if hasattr(message, name) else getattr(message, name.upper())


def seconds_of(message: Any) -> float:
    """Return the time of a message's header, seconds."""
    return float(message.header.stamp.sec) + float(message.header.stamp.nanosec) / 1e9


def detections_of(
    result: PoseResult, header: Any, make: MakeMessage, categories: Sequence[str] = ()
) -> Any:
    """Return the poses of an image as ``vision_msgs/Detection3DArray``.

    Poses are in the optical frame of the camera (x right, y down, z forward), which is that of the
    image's header; the axes of the box are those of the object (y up, z front). Lengths are metres
    if `ObjectPose.has_metres`, else object heights. Objects without a pose are left out.

    Args:
        result: Poses of one image.
        header: That of the image.
        make: Makes messages.
        categories: Names by label; without one the number stands for it.
    """
    detections = [
        _detection(pose, header, make, categories) for pose in result.poses if pose.has_pose
    ]
    return make('vision_msgs/msg/Detection3DArray', header=header, detections=detections)


def _detection(pose: ObjectPose, header: Any, make: MakeMessage, categories: Sequence[str]) -> Any:
    name = categories[pose.label] if pose.label < len(categories) else str(pose.label)
    center = _pose(pose, make)
    hypothesis = make('vision_msgs/msg/ObjectHypothesis', class_id=name, score=float(pose.score))
    with_pose = make(
        'vision_msgs/msg/ObjectHypothesisWithPose',
        hypothesis=hypothesis,
        pose=make(
            'geometry_msgs/msg/PoseWithCovariance', pose=center, covariance=_covariance(pose)
        ),
    )
    box = make(
        'vision_msgs/msg/BoundingBox3D',
        center=center,
        size=make('geometry_msgs/msg/Vector3', **_xyz(pose.dims)),
    )
    return make(
        'vision_msgs/msg/Detection3D',
        header=header,
        results=[with_pose],
        bbox=box,
        id='' if pose.track is None else str(pose.track.number),
    )


def _pose(pose: ObjectPose, make: MakeMessage) -> Any:
    assert pose.location_cv is not None
    assert pose.quaternion_xyzw is not None
    w = float(pose.quaternion_xyzw[3])
    return make(
        'geometry_msgs/msg/Pose',
        position=make('geometry_msgs/msg/Point', **_xyz(pose.location_cv)),
        orientation=make('geometry_msgs/msg/Quaternion', **_xyz(pose.quaternion_xyzw), w=w),
    )


def _covariance(pose: ObjectPose) -> np.ndarray:
    """Return (36,), variances of the place where they are known."""
    covariance = UNKNOWN_COVARIANCE.copy()
    if pose.metric_scale is not None and pose.metric_scale.location_std is not None:
        covariance[[0, 7, 14]] = np.square(pose.metric_scale.location_std)
    return covariance


def _xyz(vector: np.ndarray) -> dict[str, float]:
    return dict(zip('xyz', map(float, vector[:3]), strict=True))
