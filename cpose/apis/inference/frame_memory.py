"""What a network that follows objects is told of the frame before, in a video."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from cpose.codecs.tracking.previous_heatmaps import frame_of_peaks, peaks_of_poses
from cpose.structures.object_pose import PoseResult, VideoFrame
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.structures.previous_frame import PreviousFrame
from cpose.tracking.base import check_order


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
