"""A plain ROS 2 node: ``python -m cpose.ros.node --model cuboid``; it needs `rclpy`.

It subscribes to ``image`` (``sensor_msgs/Image``) and ``camera_info`` and publishes
``detections`` (``vision_msgs/Detection3DArray``). The newest image wins.
"""

import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.image_sources import SourceImage
from cpose.apis.inference.newest_frame import NewestFrame
from cpose.cli.scale_arguments import add_scale_source, scale_source
from cpose.errors import DataError, MissingDependencyError, UserError
from cpose.ros.messages import camera_of, detections_of, image_of, seconds_of
from cpose.structures.object_pose import VideoFrame

QUEUE = 1
"""Messages that ROS keeps: only the newest is worked on."""
STREAM = 'ros'
DEFAULT_FPS = 30.0


class PoseStream:
    """Turn images and a camera, as they come, into arrays of detections.

    Args:
        inferencer: The model.
        make: See `detections_of`.

    Attributes:
        images: Where image messages are put.
    """

    def __init__(self, inferencer: CenterPoseInferencer, make: Any) -> None:
        self.images: NewestFrame[Any] = NewestFrame()
        self._inferencer, self._make = inferencer, make
        self._camera: Any = None
        self._camera_error: DataError | None = None
        self._has_camera = threading.Event()
        self._headers: dict[str, Any] = {}

    def set_camera(self, message: Any) -> None:
        """Take a ``sensor_msgs/CameraInfo``; the first one counts.

        One that cannot be used ends the stream with its error.
        """
        if self._has_camera.is_set():
            return
        try:
            self._camera = camera_of(message)
        except DataError as error:
            self._camera_error = error
        self._has_camera.set()

    def __iter__(self) -> Iterator[Any]:
        """Yield a ``vision_msgs/Detection3DArray`` for each image that is worked on.

        Raises:
            DataError: If an image or the camera cannot be used, or an image is not later than the
                one before.
        """
        self._has_camera.wait()
        if self._camera_error is not None:
            raise self._camera_error
        pairs = self._inferencer.iterate(self._frames(), camera=self._camera)
        for image, result in pairs:
            header = self._headers.pop(image.path)
            yield detections_of(result, header, self._make, self._inferencer.categories)

    def _frames(self) -> Iterator[SourceImage]:
        last = None
        for arrival in self.images:
            message = arrival.item
            seconds = seconds_of(message)
            if last is not None and seconds <= last:
                raise DataError(
                    'is not later than that of the image before it',
                    argument='header.stamp',
                    value=seconds,
                    advice='Start the node again after a bag begins anew',
                )
            last = seconds
            frame = VideoFrame(STREAM, arrival.number, seconds, DEFAULT_FPS, arrival.received)
            path = f'{STREAM}#{arrival.number}'
            self._headers[path] = message.header
            yield SourceImage(f'{STREAM}/{arrival.number:06d}', path, image_of(message), frame)


def make_ros_message(type_name: str, **fields: Any) -> Any:
    """Make a message of a ROS 2 installation.

    Raises:
        MissingDependencyError: If its package is not installed.
    """
    package, kind, name = type_name.split('/')
    try:
        return getattr(import_module(f'{package}.{kind}'), name)(**fields)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f'The ROS 2 package {package} is not there',
            advice=f'Install it, for example ros-humble-{package.replace("_", "-")}, and source '
            'the set-up file of ROS 2',
        ) from error


def main(argv: list[str] | None = None) -> int:
    """Run the node until it is stopped; exit code 2 after an error of the user."""
    parser = ArgumentParser(prog='python -m cpose.ros.node', description=__doc__.splitlines()[0])
    parser.add_argument('--model', default='cuboid', help='see cpose zoo; default: cuboid')
    parser.add_argument('--device', help='for example cuda:0; default: a GPU if there is one')
    parser.add_argument('--track', action='store_true', help='follow objects and smooth poses')
    add_scale_source(parser)
    parser.set_defaults(no_pnp=False)
    args, ros_words = parser.parse_known_args(argv)
    try:
        _spin(args, ros_words)
    except UserError as error:
        sys.stderr.write(f'cpose.ros: {error}\n')
        return 2
    return 0


def _spin(args: Namespace, ros_words: list[str]) -> None:
    try:
        rclpy = import_module('rclpy')
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            'The package rclpy is not there',
            advice='Install ROS 2 and source its set-up file, for example '
            '/opt/ros/humble/setup.bash',
        ) from error
    stream = PoseStream(_build(args), make_ros_message)
    images, infos = (
        getattr(import_module('sensor_msgs.msg'), name) for name in ('Image', 'CameraInfo')
    )
    detections = import_module('vision_msgs.msg').Detection3DArray
    rclpy.init(args=ros_words)
    node = rclpy.create_node('cpose')
    publisher = node.create_publisher(detections, 'detections', QUEUE)
    node.create_subscription(images, 'image', stream.images.put, QUEUE)
    node.create_subscription(infos, 'camera_info', stream.set_camera, QUEUE)
    spinning = threading.Thread(target=rclpy.spin, args=(node,), daemon=True)
    spinning.start()
    try:
        for message in stream:
            publisher.publish(message)
    finally:
        stream.images.close()
        node.destroy_node()
        rclpy.try_shutdown()


def _build(args: Namespace) -> CenterPoseInferencer:
    from cpose.apis.builder import resolve_config
    from cpose.apis.zoo_files import choose_files

    config, checkpoint = choose_files(None, None, args.model)
    loaded = resolve_config(config, checkpoint)
    source = scale_source(args)
    if source is not None:
        loaded.scale_source = source
    if args.track:
        loaded.tracker = loaded.get('tracker') or {'type': 'PoseTracker'}
    return CenterPoseInferencer(loaded, checkpoint, args.device)


if __name__ == '__main__':
    raise SystemExit(main())
