"""What a run over inputs remembers: the frame before, tracks, and factors of metres."""

from collections.abc import Mapping, Sequence
from typing import Any

from cpose.apis.inference.image_sources import SourceImage
from cpose.metric_scale.metric_poses import MetricScaling
from cpose.structures.object_pose import PoseResult
from cpose.tracking.base import VideoTracking
from cpose.tracking.frame_memory import FrameMemory


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

    def least_score(self, score_thr: float) -> float:
        """Return the score above which objects are wanted, see `VideoTracking.least_score`."""
        return self._tracking.least_score(score_thr)

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
