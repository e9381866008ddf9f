"""Call a tracker for the frames of one video after the other."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError
from cpose.registry import TRACKERS
from cpose.structures.object_pose import PoseResult, VideoFrame
from cpose.tracking.base import Tracker


class VideoTracking:
    """Hand results with their frames to a tracker, which starts anew with every video.

    Args:
        config: Config of the tracker; None for none.

    Raises:
        ConfigError: If the class is no tracker.
    """

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        self._tracker: Tracker | None = None
        self._video: str | None = None
        if config is None:
            return
        tracker = TRACKERS.build(dict(config))
        if not isinstance(tracker, Tracker):
            raise ConfigError(
                'is no tracker',
                argument='type',
                value=type(tracker).__name__,
                place=ConfigPlace(('tracker.type',)),
                advice='Give it the methods reset() and update(result, frame), see '
                'cpose.tracking.base.Tracker',
            )
        self._tracker = tracker

    def follow(self, result: PoseResult, frame: VideoFrame | None) -> PoseResult:
        """Return the poses of a frame after the tracker; a single image stays as it is."""
        if frame is None:
            return result
        result = replace(result, video_frame=frame)
        if self._tracker is None:
            return result
        if frame.video != self._video:
            self._video = frame.video
            self._tracker.reset()
        return self._tracker.update(result, frame)
