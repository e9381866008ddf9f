"""The contract of trackers: state over the frames of a video."""

from typing import Protocol, runtime_checkable

from cpose.structures.object_pose import PoseResult, VideoFrame


@runtime_checkable
class Tracker(Protocol):
    """What is registered in TRACKERS and named by the config key ``tracker``.

    One is built for every run over inputs, so two runs at once share no state.
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
