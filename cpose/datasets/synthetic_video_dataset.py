"""Endless videos of moving boxes with exact annotations, made while training."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.frame_pairs import TRACK_ID, PreviousNoise
from cpose.datasets.moving_scene import Video, sample_video
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.carton import Carton
from cpose.datasets.synthetic_cuboid_dataset import MAX_OBJECTS, annotate_scene, check_image_wh
from cpose.datasets.video_pair_dataset import make_pair
from cpose.errors import check_number, check_range
from cpose.registry import DATASETS
from cpose.structures.image_record import CompleteRecord
from cpose.structures.pose_data_sample import CuboidAnnotations

KEPT_VIDEOS = 4
"""Painted videos that a process keeps."""


@DATASETS.register_module()
class SyntheticVideoDataset(PoseDataset):
    """Frames of videos of boxes: the camera turns, boxes move, something passes in front of them.

    A frame depends on (seed, number of its video, its number) alone. Objects have the field
    ``track_id``. With ``max_distance`` an item is a pair of frames, see `VideoPairDataset`; without
    it is one frame.

    Args:
        num_videos: Number of videos.
        frames: Length of each.
        pipeline: Configs of the transforms.
        start_video: Number of the first video; other ones are other data.
        image_wh: Width and height of the frames in pixels.
        objects: Least and greatest number of boxes in a video.
        max_distance: Frames between the two of a pair; None for single frames.
        noise: Changes to the defaults of `PreviousNoise`.
        least_visible: Visible share below which a box is not annotated in a frame.
        realism: Changes to the defaults of `RealismSettings`; ``occluder`` is the share of videos
            in which something passes in front.
        metainfo: Meta information, by default that of cartons.
        input_wh: Width and height of the network input.
        seed: Seed of videos and augmentation.

    Raises:
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self,
        num_videos: int,
        frames: int,
        pipeline: Sequence[Mapping[str, Any]] = (),
        start_video: int = 0,
        image_wh: tuple[int, int] = (512, 512),
        objects: tuple[int, int] = (1, 3),
        max_distance: int | None = None,
        noise: Mapping[str, Any] | None = None,
        least_visible: float = 0.2,
        realism: Mapping[str, Any] | None = None,
        metainfo: Mapping[str, Any] | None = None,
        input_wh: tuple[int, int] = (512, 512),
        seed: int = 0,
    ) -> None:
        super().__init__(pipeline, metainfo or Carton.metainfo, input_wh, seed)
        least = {'num_videos': 1, 'frames': 1, 'start_video': 0}
        numbers = {'num_videos': num_videos, 'frames': frames, 'start_video': start_video}
        for name, value in numbers.items():
            check_number(name, value, least=least[name], is_whole=True)
        check_number('least_visible', least_visible, least=0, most=1)
        if max_distance is not None:
            check_number('max_distance', max_distance, least=0, is_whole=True)
        self.num_videos, self.frames, self.start_video = num_videos, frames, start_video
        self.image_wh = check_image_wh(image_wh)
        self.objects = check_range('objects', objects, 0, MAX_OBJECTS, is_whole=True)
        self.max_distance, self.least_visible = max_distance, least_visible
        self.noise = PreviousNoise.from_config(noise)
        self.realism = RealismSettings.from_config(realism)
        self._videos: OrderedDict[int, Video] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of frames of all videos."""
        return self.num_videos * self.frames

    def load_record(self, index: int) -> CompleteRecord:
        """Draw one frame."""
        number, frame = divmod(index, self.frames)
        video_number = self.start_video + number
        video = self._open(video_number)
        scene = video.at(frame)
        visible = np.flatnonzero(scene.visibility >= self.least_visible)
        shown = replace(
            scene,
            boxes=[scene.boxes[k] for k in visible],
            visibility=scene.visibility[visible],
        )
        annotations = annotate_scene(shown)
        return CompleteRecord(
            image_path=f'synthetic/seed{self.seed}_video{video_number:06d}_{frame:05d}',
            image=video.render(frame),
            image_wh=self.image_wh,
            intrinsics=scene.camera.intrinsics,
            annotations=_with_tracks(annotations, visible),
            symmetries=self._symmetries * len(visible),
        )

    def make_item(self, index: int) -> Any:
        """Return one pair of frames, or one frame."""
        if self.max_distance is None:
            return super().make_item(index)
        first = index // self.frames * self.frames
        video = range(first, first + self.frames)
        return make_pair(self, index, video, self.max_distance, self.noise)

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the only label, without drawing the frame."""
        return [0]

    def _open(self, number: int) -> Video:
        """Return a video, from the ones that were opened last if it is there."""
        if number not in self._videos:
            if len(self._videos) >= KEPT_VIDEOS:
                self._videos.popitem(last=False)
            seed = (self.seed, number)
            self._videos[number] = sample_video(
                seed, self.image_wh, self.objects, self.frames, self.realism
            )
        self._videos.move_to_end(number)
        return self._videos[number]


def _with_tracks(annotations: CuboidAnnotations, tracks: np.ndarray) -> CuboidAnnotations:
    return replace(annotations, extras={TRACK_ID: tracks.astype(np.float64)})
