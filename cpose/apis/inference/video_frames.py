"""Frames of video files, cameras and streams.

Recorded videos give every frame. Of cameras and streams the newest frame wins: what comes while a
frame is worked on is left out, so that results are never older than one frame and its work.
"""

import re
import warnings
from collections.abc import Iterator
from urllib.parse import urlsplit

import cv2
import numpy as np

from cpose.apis.inference.newest_frame import reading
from cpose.datasets.image_reading import check_image_size
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.structures.object_pose import VideoFrame

VIDEO_EXTENSIONS = ('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v')
WEBCAM = re.compile(r'webcam(?::(\d{1,9}))?')
GSTREAMER = re.compile(r'gst:(.+)', re.DOTALL)
"""A pipeline of GStreamer that ends in ``appsink``."""
STREAM = re.compile(r'(rtsps?|rtmps?|rtp|https?|udp|tcp|srt|mms|hls)://\S+', re.IGNORECASE)
STREAM_TIMEOUT = 10_000
"""Milliseconds that a stream has to answer; by default OpenCV waits for half a minute."""
DEFAULT_FPS = 25.0
COUNT_TOLERANCE = 1
"""Frames by which a header may be wrong: some formats hold only the duration."""
MOST_NAME = 60


def is_video(path: str) -> bool:
    """Tell by its ending whether a file is a video."""
    return path.lower().endswith(VIDEO_EXTENSIONS)


def is_live(source: str) -> bool:
    """Tell whether a source is a camera or a stream, whose frames cannot be counted."""
    return any(kind.fullmatch(source) is not None for kind in (WEBCAM, GSTREAMER, STREAM))


def live_name(source: str) -> str:
    """Return the output name of a camera or stream."""
    webcam = WEBCAM.fullmatch(source)
    if webcam:
        return f'webcam_{webcam[1] or 0}'
    if GSTREAMER.fullmatch(source):
        return 'gstreamer'
    words = re.findall('[A-Za-z0-9.-]+', public_name(source).partition('://')[2])
    return '_'.join(['stream', *words])[:MOST_NAME].rstrip('.')


def public_name(source: str) -> str:
    """Return a source without what is secret in the address of a stream: password and query."""
    if not STREAM.fullmatch(source):
        return source
    try:
        parts = urlsplit(source)
        port = f':{parts.port}' if parts.port else ''
    except ValueError:
        return f'{source.partition("://")[0]}://…'
    return f'{parts.scheme}://{parts.hostname or ""}{port}{parts.path}'


def count_frames(path: str) -> int:
    """Return how many frames a video says that it has."""
    capture = cv2.VideoCapture(path)
    count = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    capture.release()
    return count


def read_frames(source: str, name: str) -> Iterator[tuple[VideoFrame, np.ndarray]]:
    """Yield the frames of a video file, ``webcam:N``, a stream or ``gst:PIPELINE``.

    Args:
        source: Where they come from.
        name: Of the video, for its frames.

    Raises:
        DataError: If there is none, or they are too large.
    """
    capture = _open(source)
    try:
        size = (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        check_image_size(public_name(source), (int(size[0]), int(size[1])))
        fps = capture.get(cv2.CAP_PROP_FPS)
        fps = fps if np.isfinite(fps) and fps > 0 else DEFAULT_FPS
        promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        is_endless = is_live(source) and promised <= 0
        first: float | None = None
        number = -1
        for number, image, received in _arrivals(capture, is_endless):
            first = received if first is None else first
            seconds = number / fps if received is None or first is None else received - first
            yield VideoFrame(name, number, seconds, fps, received), image
        number += 1
        if number == 0:
            raise _no_frame(source)
        promised = 0 if is_live(source) else promised
        if number < promised - COUNT_TOLERANCE:
            warnings.warn(
                f'{source} ends after {number} of {promised:.0f} frames: it is cut off or damaged. '
                'Copy it again for the rest.',
                stacklevel=2,
            )
    finally:
        capture.release()


def _arrivals(
    capture: cv2.VideoCapture, is_endless: bool
) -> Iterator[tuple[int, np.ndarray, float | None]]:
    """Yield number, image and time of the frames; of endless ones the newest each time."""
    if not is_endless:
        number = 0
        while (image := _next_image(capture)) is not None:
            yield number, image, None
            number += 1
        return
    with reading(lambda: _next_image(capture)) as newest:
        yield from ((arrival.number, arrival.item, arrival.received) for arrival in newest)


def _open(source: str) -> cv2.VideoCapture:
    pipeline = GSTREAMER.fullmatch(source)
    if pipeline:
        return _open_pipeline(pipeline[1])
    webcam = WEBCAM.fullmatch(source)
    if webcam:
        return cv2.VideoCapture(int(webcam[1] or 0))
    has_ffmpeg = cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBackends()
    if not (is_live(source) and has_ffmpeg):
        return cv2.VideoCapture(source)
    limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
    parameters = [word for limit in limits for word in (limit, STREAM_TIMEOUT)]
    return cv2.VideoCapture(source, cv2.CAP_FFMPEG, parameters)


def _open_pipeline(pipeline: str) -> cv2.VideoCapture:
    """Open a pipeline of GStreamer.

    Raises:
        DataError: If OpenCV was built without it.
    """
    if cv2.CAP_GSTREAMER not in cv2.videoio_registry.getStreamBackends():
        raise DataError(
            'needs an OpenCV that was built with GStreamer, which the one of PyPI is not',
            argument='inputs',
            value=f'gst:{pipeline}',
            advice=('Build OpenCV with GStreamer', 'Give the address of the stream (rtsp://…)'),
        )
    return cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)


def _next_image(capture: cv2.VideoCapture) -> np.ndarray | None:
    try:
        success, image = capture.read()
    except cv2.error:
        return None
    return image if success else None


def _no_frame(source: str) -> DataError:
    reason = 'it is empty, truncated or not a video'
    if WEBCAM.fullmatch(source):
        reason = 'there is no such camera'
    elif is_live(source):
        reason = 'nothing answers there, or what does is no video that OpenCV reads'
    return DataError(
        f'gives no frame: {reason}',
        argument='inputs',
        place=FilePlace(public_name(source)),
        advice='Give another input',
    )
