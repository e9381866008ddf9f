"""Where an image stands in a video."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoFrame:
    """Place of an image in a video or in the pictures of a camera.

    Attributes:
        video: Name of the video, unique among all inputs of a run.
        number: Number of the frame, from 0 on.
        time: Seconds since the first frame; measured with a camera, else number by frame rate.
        fps: Frames per second, as the video says.
    """

    video: str
    number: int
    time: float
    fps: float
