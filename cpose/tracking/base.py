"""Trackers, with state over the frames of a video: their contract, and how they are called."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from cpose.building import build_checked
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.registry import TRACKERS
from cpose.structures.object_pose import PoseResult, VideoFrame


@runtime_checkable
class Tracker(Protocol):
    """What is registered in TRACKERS and named by the config key ``tracker``.

    One is built for every run over inputs, so two runs at once share no state. Its attribute
    ``dataset_meta`` is set to the meta information of the data set, as MMEngine does for metrics.
    With an attribute ``keep_share`` it also gets objects of lower scores, down to this share of the
    threshold of the run, which becomes its ``score_thr``; which of them are shown is its choice.
    """

    def reset(self) -> None:
        """Forget everything; called before the first frame of every video."""

    def update(self, result: PoseResult, frame: VideoFrame) -> PoseResult:
        """Return the poses of a frame, given those that were found in this frame alone.

        Args:
            result: All poses of the frame, best score first, in the frames and units of
                `ObjectPose`; it is not changed.
            frame: Number and time. Frames come in order; numbers are left out where a frame could
                not be used.

        Returns:
            What the user receives, perhaps with fewer, more or smoothed poses.
        """


class VideoTracking:
    """Hand results with their frames to a tracker, which starts anew with every video.

    Args:
        config: Config of the tracker; None for none.
        dataset_meta: Meta information of the data set, tuples by label.

    Attributes:
        newest: The result of the last image after the tracker, complete or not.

    Raises:
        ConfigError: If the class is no tracker.
    """

    newest: PoseResult

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        dataset_meta: Mapping[str, Any] | None = None,
    ) -> None:
        self._tracker: Tracker | None = None
        self._waiting: deque[tuple[Any, PoseResult]] = deque()
        self._order = FrameOrder()
        self._score_thr = 0.0
        if config is None:
            return
        tracker: Tracker = build_checked(TRACKERS, config, Tracker)
        tracker.dataset_meta = dataset_meta  # type: ignore[attr-defined]
        self._tracker = tracker

    def least_score(self, score_thr: float) -> float:
        """Return the score above which results are wanted.

        Args:
            score_thr: Above which an object shall be shown that is not followed.
        """
        share: float = getattr(self._tracker, 'keep_share', 1.0)
        if self._tracker is not None and share < 1:
            self._tracker.score_thr = self._score_thr = score_thr  # type: ignore[attr-defined]
        return score_thr * share

    def step(self, image: Any, result: PoseResult) -> list[tuple[Any, PoseResult]]:
        """Follow the objects of an image, and return the images that are complete.

        A tracker with a positive attribute ``lag`` and the method ``look_back(result, age)``
        completes frames when that many came after them, or their video ended.

        Args:
            image: It has ``frame``, its place in a video, None for a single image.
            result: What was found in it.

        Raises:
            DataError: See `follow`.
        """
        lag = getattr(self._tracker, 'lag', 0)
        waiting = self._waiting[-1][0].frame.video if self._waiting else None
        video = None if image.frame is None else image.frame.video
        done = self.finish() if video != waiting else []
        tracked = self.newest = self.follow(result, image.frame)
        if image.frame is None or not lag:
            return [*done, (image, tracked)]
        self._waiting.append((image, tracked))
        return [*done, self._complete()] if len(self._waiting) > lag else done

    def finish(self) -> list[tuple[Any, PoseResult]]:
        """Return the images that still wait for later frames."""
        return [self._complete() for _ in range(len(self._waiting))]

    def _complete(self) -> tuple[Any, PoseResult]:
        image, result = self._waiting.popleft()
        return image, self._tracker.look_back(result, len(self._waiting))  # type: ignore[union-attr]

    def follow(self, result: PoseResult, frame: VideoFrame | None) -> PoseResult:
        """Return the poses of a frame after the tracker; a single image stays as it is.

        Raises:
            DataError: See `FrameOrder.follows`.
        """
        if frame is None:
            return keep_above(result, self._score_thr)
        result = replace(result, video_frame=frame)
        if self._tracker is None:
            return result
        if not self._order.follows(result):
            self._tracker.reset()
        return self._tracker.update(result, frame)


def keep_above(result: PoseResult, score_thr: float) -> PoseResult:
    """Return a result with the poses above a score only."""
    if all(pose.score > score_thr for pose in result.poses):
        return result
    return replace(result, poses=[pose for pose in result.poses if pose.score > score_thr])


class FrameOrder:
    """Check that the frames of each video come one after the other, and videos too."""

    def __init__(self) -> None:
        self._last: PoseResult | None = None
        self._numbers: dict[str, int] = {}

    def follows(self, result: PoseResult) -> bool:
        """Tell whether a frame continues the video of the frame before it, or begins one.

        Args:
            result: With size and ``video_frame``.

        Raises:
            DataError: If it has another size than the last frame of its video, is not later, or
                continues a video that frames of another one interrupted.
        """
        last, self._last = self._last, result
        frame = result.video_frame
        assert frame is not None
        before = self._numbers.get(frame.video, -1)
        self._numbers[frame.video] = frame.number
        if last is not None and last.video_frame and last.video_frame.video == frame.video:
            check_order(last, result)
            return True
        if 0 <= before < frame.number:
            raise DataError(
                f'continues {frame.video} after its frame {before}, but other videos came between',
                argument='frame',
                value=frame.number,
                place=FilePlace(result.image_path),
                advice='Give all frames of a video before the next one, or a call to each',
            )
        return False


def check_order(last: PoseResult, result: PoseResult) -> None:
    """Check that a frame follows another one of its video.

    Raises:
        DataError: If it has another size, or is not later.
    """
    before, now = last.video_frame, result.video_frame
    assert before is not None
    assert now is not None
    place = FilePlace(result.image_path)
    if result.image_wh != last.image_wh:
        raise DataError(
            f'has another size than the frame before it, {last.image_wh}',
            argument='image_wh',
            value=result.image_wh,
            place=place,
            advice='Give videos of one size each',
        )
    if now.number <= before.number or now.time < before.time:
        raise DataError(
            f'comes after frame {before.number} at {before.time:g} s of its video',
            argument='frame',
            value=(now.number, now.time),
            place=place,
            advice='Give the frames in the order of their time',
        )
