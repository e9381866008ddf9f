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
from cpose.tracking.base import FrameOrder


class FrameMemory:
    """The last frame of a video, with the objects in it as the user received them.

    The first frame of a video, and any single image, counts as its own previous frame, in which
    nothing was found.
    """

    def __init__(self) -> None:
        self._order = FrameOrder()
        self._pixels: Tensor | None = None
        self._frame: VideoFrame | None = None
        self._last: PoseResult | None = None

    def recall(self, batch: Mapping[str, Any], frame: VideoFrame | None) -> dict[str, Any]:
        """Return a batch of one image with what is known of the frame before.

        Args:
            batch: ``inputs`` and ``data_samples`` of one image.
            frame: Its place in a video, None for a single image.

        Raises:
            DataError: See `FrameOrder.follows`.
        """
        self._frame = frame
        if frame is None:
            return dict(batch)
        (pixels,), (sample,) = batch['inputs'], batch['data_samples']
        place = PoseResult(sample.image_path, sample.image_wh, None, video_frame=frame)
        is_next = self._order.follows(place)
        last, before, self._pixels = self._last, self._pixels, pixels
        if not is_next or last is None or before is None:
            return dict(batch)
        known = replace(sample, previous=_previous(last, sample))
        return {**batch, 'inputs': [torch.cat([pixels, before])], 'data_samples': [known]}

    def keep(self, result: PoseResult) -> None:
        """Remember the objects of the frame that was recalled last."""
        if self._frame is not None:
            self._last = result


def _previous(last: PoseResult, sample: PoseDataSample) -> PreviousFrame:
    return frame_of_peaks(peaks_of_poses(last.poses, sample), sample.input_wh)
