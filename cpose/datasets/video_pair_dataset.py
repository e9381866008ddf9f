"""Pairs of frames from folders of videos, for networks that read the frame before."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.datasets.frame_pairs import PreviousNoise, choose_neighbour, join_frames
from cpose.errors import check_number
from cpose.files import frame_names
from cpose.registry import DATASETS

PAIR_STREAM = 21
"""Part of the seed that keeps pairs and noise independent of the augmentation."""


def make_pair(
    dataset: PoseDataset,
    index: int,
    video: Sequence[int],
    max_distance: int,
    noise: PreviousNoise,
) -> Any:
    """Return a frame with one near it, both augmented alike; None if a transform leaves one out.

    Args:
        dataset: Where the frames are.
        index: The frame at hand.
        video: Numbers of all frames of its video, in their order.
        max_distance: Frames between the two.
        noise: What happens to the peaks of the other one.
    """
    rng = dataset.rng_of(index, PAIR_STREAM)
    other = choose_neighbour(video, index, max_distance, rng)
    now = dataset.pipeline(dataset.get_data_info(index))
    same = {'rng': dataset.rng_of(index)}
    before = dataset.pipeline({**dataset.get_data_info(other), **same})
    return None if now is None or before is None else join_frames(now, before, noise, rng)


@DATASETS.register_module()
class VideoPairDataset(CenterPoseDataset):
    """Frames of videos in folders, each with another frame of its video as the one before.

    Frames of one video lie in one folder and are called alike but for the number at the end, which
    gives their order. The frame "before" is any one up to ``max_distance`` frames earlier or later,
    or the frame itself, and goes through the same transforms with the same draws. Objects are the
    same where their field ``track_id`` says so, else those that are nearest.

    Source: Zhou et al., "Tracking Objects as Points" (ECCV 2020), section 4.4.

    Args:
        data_root: Folder or folders, see `CenterPoseDataset`.
        pipeline: Configs of the transforms, with `ExpandSymmetries`.
        max_distance: Frames between the two of a pair.
        noise: Changes to the defaults of `PreviousNoise`.
        **options: More arguments of `CenterPoseDataset`.

    Raises:
        ConfigError: If an argument is out of range.
        DataError: If the files cannot be used.
    """

    def __init__(
        self,
        data_root: str | Sequence[str],
        pipeline: Sequence[Mapping[str, Any]],
        max_distance: int = 3,
        noise: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        check_number('max_distance', max_distance, least=0, is_whole=True)
        self.noise = PreviousNoise.from_config(noise)
        self.max_distance = max_distance
        super().__init__(data_root, pipeline, **options)
        self._videos, self._video_of = list_videos(self._paths.tolist())

    def make_item(self, index: int) -> Any:
        """Return one pair of frames."""
        video = self._videos[self._video_of[index]].tolist()
        return make_pair(self, index, video, self.max_distance, self.noise)


def list_videos(paths: Sequence[str]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the numbers of the frames of each video, in order, and the video of each frame."""
    videos = [np.array(places) for places in frame_names.list_videos(paths).values()]
    video_of = np.empty(len(paths), dtype=np.int64)
    for number, frames in enumerate(videos):
        video_of[frames] = number
    return videos, video_of
