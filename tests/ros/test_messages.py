from dataclasses import replace

import numpy as np
import pytest
from rosbags.rosbag2 import Reader, Writer

from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.errors import DataError, MissingDependencyError
from cpose.ros.messages import camera_of, detections_of, image_of
from cpose.ros.node import PoseStream, main, make_ros_message
from cpose.structures.camera import intrinsic_matrix

from ..apis.inference_scenes import (
    CAMERA,
    DIMS,
    IMAGE_WH,
    PerfectDetector,
    grey_image,
    location_of,
    tiny_config,
)
from ..user_errors import raises
from .vision_types import STORE, image_message, info_message, make

MATRIX = intrinsic_matrix(*CAMERA)
BRIGHTNESS = (50, 120, 200)
TYPES = {'/image': 'sensor_msgs/msg/Image', '/camera_info': 'sensor_msgs/msg/CameraInfo'}
ARRAY = 'vision_msgs/msg/Detection3DArray'


def write_bag(path, messages, types):
    with Writer(path, version=9) as writer:
        topics = {name: writer.add_connection(name, kind, typestore=STORE)
                  for name, kind in types.items()}  # fmt: skip
        for number, (topic, message) in enumerate(messages):
            data = STORE.serialize_cdr(message, types[topic])
            writer.write(topics[topic], 1000 * number, data)


def read_bag(path):
    with Reader(path) as reader:
        for connection, _, data in reader.messages():
            yield connection.topic, STORE.deserialize_cdr(data, connection.msgtype)


def make_stream(**config):
    inferencer = CenterPoseInferencer(tiny_config(**config), detector=PerfectDetector())
    return PoseStream(inferencer, make)


def test_a_bag_becomes_a_bag_of_detections(tmp_path):
    """Images and a camera that a bag holds lead to the poses in another bag."""
    images = [
        ('/image', image_message(grey_image(value), 100 + number / 30))
        for number, value in enumerate(BRIGHTNESS)
    ]
    info = info_message(MATRIX, IMAGE_WH)
    write_bag(tmp_path / 'in', [('/camera_info', info), *images], TYPES)
    stream = make_stream(
        tracker={'type': 'PoseTracker', 'min_frames': 1},
        scale_source={'type': 'KnownDimensions', 'height': 0.2},
    )
    detections, found = iter(stream), []
    for topic, message in read_bag(tmp_path / 'in'):
        if topic == '/camera_info':
            stream.set_camera(message)
        else:
            stream.images.put(message)
            found.append(('/detections', next(detections)))
    write_bag(tmp_path / 'out', found, {'/detections': ARRAY})
    arrays = [message for _, message in read_bag(tmp_path / 'out')]
    assert len(arrays) == 3
    first = arrays[0].detections[0]
    assert arrays[0].header.frame_id == first.header.frame_id == 'camera'
    assert arrays[1].header.stamp.nanosec == pytest.approx(1e9 / 30, abs=2)
    center = first.results[0].pose.pose.position
    np.testing.assert_allclose(
        [center.x, center.y, center.z], 0.2 * location_of(BRIGHTNESS[0]), atol=1e-4
    )
    size = first.bbox.size
    np.testing.assert_allclose([size.x, size.y, size.z], 0.2 * DIMS, atol=1e-6)
    assert first.results[0].hypothesis.class_id == 'cup'
    assert first.results[0].hypothesis.score == pytest.approx(0.9)
    covariance = first.results[0].pose.covariance.reshape(6, 6)
    assert 0 < covariance[0, 0] < covariance[2, 2]
    assert not covariance[3:].any()
    assert [array.detections[0].id for array in arrays] == ['1', '1', '1']


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('bgr8', [0, 1, 2]), ('rgb8', [2, 1, 0]), ('rgba8', [2, 1, 0, 0]), ('bgra8', [0, 1, 2, 0])],
)
def test_encodings(encoding, order, padding):
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    message = image_message(image[..., order], encoding=encoding, padding=padding)
    np.testing.assert_array_equal(image_of(message), image)


def test_grey_images():
    image = np.arange(48, dtype=np.uint8).reshape(6, 8, 1)
    np.testing.assert_array_equal(
        image_of(image_message(image, encoding='mono8'))[..., 2], image[..., 0]
    )


@pytest.mark.parametrize(
    ('changes', 'argument'), [({'encoding': 'yuv422'}, 'encoding'), ({'height': 60}, 'data')]
)
def test_images_that_are_not_read(changes, argument):
    message = replace(image_message(grey_image(3, (8, 6))), **changes)
    with raises(DataError, argument=argument):
        image_of(message)


def test_cameras():
    camera = camera_of(info_message(MATRIX, IMAGE_WH, (-0.1, 0.01, 0, 0, 0)))
    np.testing.assert_allclose(camera.intrinsics, MATRIX)
    np.testing.assert_allclose(camera.distortion[:2], [-0.1, 0.01])
    assert camera.image_wh == IMAGE_WH
    part = camera_of(info_message(MATRIX, IMAGE_WH, roi=(10, 20, 40, 60)))
    np.testing.assert_allclose(part.intrinsics[:2, 2], MATRIX[:2, 2] - [10, 20])
    assert part.image_wh == (60, 40)


def test_cameras_that_cannot_be_used():
    with raises(DataError, argument='k'):
        camera_of(info_message(np.zeros((3, 3)), IMAGE_WH))
    with raises(DataError):
        camera_of(info_message(MATRIX, IMAGE_WH, model='equidistant', lens=(0.1, 0, 0, 0)))
    stream = make_stream()
    stream.set_camera(info_message(np.zeros((3, 3)), IMAGE_WH))
    with raises(DataError, argument='k'):
        next(iter(stream))


def test_times_that_go_back():
    stream = make_stream()
    stream.set_camera(info_message(MATRIX, IMAGE_WH))
    detections = iter(stream)
    stream.images.put(image_message(grey_image(50), 5.0))
    next(detections)
    stream.images.put(image_message(grey_image(50), 4.0))
    with raises(DataError, argument='header.stamp', value=4.0):
        next(detections)


def test_objects_without_metres_and_pose():
    stream = make_stream()
    stream.set_camera(info_message(MATRIX, IMAGE_WH))
    stream.images.put(image_message(grey_image(50)))
    item = next(iter(stream)).detections[0]
    assert not item.results[0].pose.covariance.any()
    assert item.id == ''
    empty = CenterPoseInferencer(tiny_config(), detector=PerfectDetector())(grey_image(0))
    assert detections_of(next(empty), None, lambda _, **fields: fields)['detections'] == []


def test_without_ros(capsys):
    with raises(MissingDependencyError):
        make_ros_message('no_such_msgs/msg/Point', x=1.0)
    assert main(['--model', 'cuboid']) == 2
    assert 'rclpy' in capsys.readouterr().err


def test_no_image_is_worked_on_without_a_usable_camera():
    stream = make_stream()
    stream.images.put(image_message(grey_image(50), 100.0))
    stream.set_camera(info_message(np.zeros((3, 3)), IMAGE_WH))
    with raises(DataError, argument='k'):
        next(iter(stream))
