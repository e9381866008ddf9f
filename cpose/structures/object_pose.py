"""What the user receives: one `ObjectPose` per instance, one `PoseResult` per image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class VideoFrame:
    """Place of an image in a video or in the pictures of a camera.

    Attributes:
        video: Name of the video, unique among all inputs of a run.
        number: Number of the frame, from 0 on.
        time: Seconds since the first frame; measured with a camera, else number by frame rate.
        fps: Frames per second, as the video says.
        received: When a camera gave it, seconds of `time.monotonic`; None for recorded videos.
    """

    video: str
    number: int
    time: float
    fps: float
    received: float | None = None


@dataclass(frozen=True)
class Track:
    """The object of a video that a pose belongs to.

    Attributes:
        number: Same for the same object, from 1 on, unique within a video.
        frames: In how many frames the object was found, this one included.
        trail_image: (K, 2) projected centre in the last frames, image pixels, the newest last.
        found: What was found in this frame alone; None while the object is hidden.
        earlier: In the frame in which the track is first shown, what was found in those before it.
    """

    number: int
    frames: int
    trail_image: np.ndarray
    found: 'ObjectPose | None' = None
    earlier: 'tuple[tuple[VideoFrame, ObjectPose], ...]' = ()


@dataclass(frozen=True)
class MetricScale:
    """How an object got its size in metres.

    Attributes:
        source: What told it.
        factor: Metres per unit of the model; None where it is unknown.
        location_std: (3,) standard deviations of the location, metres, OpenCV camera frame.
        dims_std: (3,) standard deviations of the extents, metres.
        failure: Why it is unknown.
    """

    source: str
    factor: float | None = None
    location_std: np.ndarray | None = None
    dims_std: np.ndarray | None = None
    failure: str | None = None


@dataclass(frozen=True)
class ObjectPose:
    """One detected cuboid.

    The pose fields are ``None`` when no pose was asked for or found; ``failure`` then says why.
    Lengths are in metres if `has_metres`, else in the unit of the model: the object's height, or
    metres for models with absolute scale.

    Attributes:
        score: Confidence, 0 to 1.
        label: Category number.
        bbox_image: (4,) left, top, right, bottom, image pixels.
        corners_image: (8, 2) corners from the displacement branch, image pixels.
        dims: (3,) extents along x, y, z; relative ones are divided by y.
        location_cv: (3,) cuboid centre, OpenCV camera frame.
        quaternion_xyzw: (4,) unit rotation, OpenCV camera from object.
        keypoints_cv: (9, 3) centre and corners, OpenCV camera frame.
        keypoints_image: (9, 2) mean and projections of the posed corners, image pixels.
        failure: Why there is no pose.
        extras: What further branches found, by name; arrays in units of the original image. With
            uncertainty branches ``keypoints_std`` (8, 2), standard deviations of the corners in
            x and y, pixels, and ``dims_std`` (3,), those of ``dims`` in the unit of the model.
        reprojection_error: RMS distance of the predicted corners from the posed ones, image pixels.
        relative_error: The same in RMS distances of the predicted corners from their mean, which
            means alike for near and far objects.
        track: The object in a video, with a tracker. The pose is then that of the tracker; boxes
            and corners are those of the frame.
        metric_scale: How it got its size in metres, with a source of that.
        category: Name of the category; ``None`` where it is not known.
    """

    score: float
    label: int
    bbox_image: np.ndarray
    corners_image: np.ndarray
    dims: np.ndarray
    location_cv: np.ndarray | None = None
    quaternion_xyzw: np.ndarray | None = None
    keypoints_cv: np.ndarray | None = None
    keypoints_image: np.ndarray | None = None
    failure: str | None = None
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    reprojection_error: float | None = None
    relative_error: float | None = None
    track: Track | None = None
    metric_scale: MetricScale | None = None
    category: str | None = None

    @property
    def has_pose(self) -> bool:
        """Whether the 6-DoF pose is known."""
        return self.keypoints_cv is not None

    @property
    def has_metres(self) -> bool:
        """Whether a source of scale made lengths metres."""
        return self.metric_scale is not None and self.metric_scale.factor is not None

    def with_fields(self, fields: Mapping[str, Any]) -> 'ObjectPose':
        """Return a copy with other values of some fields.

        `dataclasses.replace` takes several times as long, which counts for the frames of a video.
        """
        changed = object.__new__(type(self))
        changed.__dict__.update(self.__dict__)
        changed.__dict__.update(fields)
        return changed


@dataclass(frozen=True)
class PoseResult:
    """All poses of one image.

    Attributes:
        image_path: Where the image came from; a name for arrays and video frames.
        image_wh: Width and height in pixels.
        intrinsics: (3, 3) pixels, or ``None`` if poses were not asked for.
        poses: The instances, best score first.
        distortion: Lens coefficients k1 k2 p1 p2 ..., ``None`` for a pinhole.
        picture: (H, W, 3) BGR uint8, the image with the poses drawn into it, where asked for.
        is_camera_guessed: Whether the intrinsics are an assumption, so that distances are rough.
        video_frame: Number and time of a frame of a video, None for single images.
    """

    image_path: str
    image_wh: tuple[int, int]
    intrinsics: np.ndarray | None
    poses: list[ObjectPose] = field(default_factory=list)
    distortion: np.ndarray | None = None
    picture: np.ndarray | None = field(default=None, repr=False)
    is_camera_guessed: bool = False
    video_frame: VideoFrame | None = None
