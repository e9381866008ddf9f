"""The types of vision_msgs 4, which rosbags does not bring, and messages made by rosbags."""

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

DEFINITIONS = {
    'ObjectHypothesis': 'string class_id\nfloat64 score\n',
    'ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n'
    ),
    'BoundingBox3D': 'geometry_msgs/Pose center\ngeometry_msgs/Vector3 size\n',
    'Detection3D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox3D bbox\nstring id\n'
    ),
    'Detection3DArray': 'std_msgs/Header header\nvision_msgs/Detection3D[] detections\n',
}


def make_store():
    store = get_typestore(Stores.ROS2_HUMBLE)
    for name, text in DEFINITIONS.items():
        store.register(get_types_from_msg(text, f'vision_msgs/msg/{name}'))
    return store


STORE = make_store()


def make(type_name, **fields):
    return STORE.types[type_name](**fields)


def header(seconds, frame='camera'):
    stamp = make('builtin_interfaces/msg/Time', sec=int(seconds), nanosec=round(seconds % 1 * 1e9))
    return make('std_msgs/msg/Header', stamp=stamp, frame_id=frame)


def image_message(image, seconds=0.0, encoding='bgr8', padding=0):
    height, width = image.shape[:2]
    rows = np.pad(image.reshape(height, -1), ((0, 0), (0, padding)))
    return make(
        'sensor_msgs/msg/Image', header=header(seconds), height=height, width=width,
        encoding=encoding, is_bigendian=0, step=rows.shape[1], data=rows.ravel(),
    )  # fmt: skip


def info_message(matrix, image_wh, lens=(), model='plumb_bob', roi=(0, 0, 0, 0), binning=0):
    names = ('x_offset', 'y_offset', 'height', 'width')
    region = make(
        'sensor_msgs/msg/RegionOfInterest', **dict(zip(names, roi, strict=True)), do_rectify=False
    )
    return make(
        'sensor_msgs/msg/CameraInfo', header=header(0.0), height=image_wh[1], width=image_wh[0],
        distortion_model=model, d=np.array(lens, float), k=np.ravel(matrix).astype(float),
        r=np.eye(3).ravel(), p=np.zeros(12), binning_x=binning, binning_y=binning, roi=region,
    )  # fmt: skip
