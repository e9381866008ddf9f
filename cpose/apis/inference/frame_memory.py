"""What is remembered from image to image: the frame before, tracks, and factors of metres."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from cpose.apis.inference.image_sources import SourceImage
from cpose.codecs.tracking.previous_heatmaps import frame_of_peaks, peaks_of_poses
from cpose.metric_scale.metric_poses import MetricScaling
from cpose.structures.object_pose import PoseResult, VideoFrame
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.structures.previous_frame import PreviousFrame
from cpose.tracking.base import VideoTracking, check_order


class FrameMemory:
    """The last frame of a video, with the objects in it as the user received them.

    The first frame of a video, and any single image, counts as its own previous frame, in which
    nothing was found.
    """

    def __init__(self) -> None:
        self._pixels: Tensor | None = None
        self._frame: VideoFrame | None = None
        self._last: PoseResult | None = None

    def recall(self, batch: Mapping[str, Any], frame: VideoFrame | None) -> dict[str, Any]:
        """Return a batch of one image with what is known of the frame before.

        Args:
            batch: ``inputs`` and ``data_samples`` of one image.
            frame: Its place in a video, None for a single image.

        Raises:
            DataError: If a frame has another size than the last one of its video, or is not later.
        """
        (pixels,), (sample,) = batch['inputs'], batch['data_samples']
        last, self._frame = self._last_of(frame), frame
        if last is None or self._pixels is None or frame is None:
            self._pixels = pixels
            return dict(batch)
        check_order(last, replace(last, image_wh=sample.image_wh, video_frame=frame))
        pair = torch.cat([pixels, self._pixels])
        self._pixels = pixels
        known = replace(sample, previous=_previous(last, sample))
        return {**batch, 'inputs': [pair], 'data_samples': [known]}

    def keep(self, result: PoseResult) -> None:
        """Remember the objects of the frame that was recalled last."""
        self._last = replace(result, video_frame=self._frame)

    def _last_of(self, frame: VideoFrame | None) -> PoseResult | None:
        last = self._last
        if frame is None or last is None or last.video_frame is None:
            return None
        return last if last.video_frame.video == frame.video else None


def _previous(last: PoseResult, sample: PoseDataSample) -> PreviousFrame:
    return frame_of_peaks(peaks_of_poses(last.poses, sample), sample.input_wh)


class RunMemory:
    """All that one run over inputs remembers.

    Args:
        tracking: Follows objects through videos.
        scaling: Turns poses into metres.
        frames: Of a network that reads the frame before; None for others.
    """

    def __init__(
        self, tracking: VideoTracking, scaling: MetricScaling, frames: FrameMemory | None
    ) -> None:
        self._tracking = tracking
        self._scaling = scaling
        self._frames = frames

    def recall(self, images: Sequence[SourceImage], batch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a batch with what the network is told of the frame before.

        Raises:
            DataError: See `FrameMemory.recall`.
        """
        return batch if self._frames is None else self._frames.recall(batch, images[0].frame)

    def follow(
        self, images: Sequence[SourceImage], results: Sequence[PoseResult]
    ) -> list[tuple[SourceImage, PoseResult]]:
        """Take what was found in a batch, and return the images that are complete.

        Raises:
            DataError: See `VideoTracking.follow`.
        """
        pairs = zip(images, results, strict=True)
        done = [pair for image, result in pairs for pair in self._tracking.step(image, result)]
        if self._frames is not None:
            self._frames.keep(self._tracking.newest)
        return self._scaled(done)

    def finish(self) -> list[tuple[SourceImage, PoseResult]]:
        """Return the images that still wait for later frames."""
        return self._scaled(self._tracking.finish())

    def _scaled(
        self, pairs: Sequence[tuple[SourceImage, PoseResult]]
    ) -> list[tuple[SourceImage, PoseResult]]:
        return [(image, self._scaling.apply(result, image)) for image, result in pairs]
