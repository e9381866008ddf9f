"""Run an inferencer over inputs and write everything to a folder."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cpose.apis.inference.camera_io import CameraLike
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.image_sources import ImageInput
from cpose.apis.inference.result_writer import ResultWriter
from cpose.errors import DataError
from cpose.files.outputs import note_input, outputs_guarded
from cpose.structures.object_pose import PoseResult


@dataclass
class InferenceSummary:
    """What a run did.

    Attributes:
        images: Images written.
        objects: Objects found.
        poses: Objects with a 6-DoF pose.
        skipped: Why images were left out, one text each.
        categories: Objects, and those with a pose, by the name of the category or its number.
        latencies: Seconds from the arrival of each frame of a camera until it was written.
    """

    images: int = 0
    objects: int = 0
    poses: int = 0
    skipped: list[str] = field(default_factory=list)
    categories: dict[str, tuple[int, int]] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    def add(self, result: PoseResult) -> None:
        """Count the result of one image."""
        self.images += 1
        self.objects += len(result.poses)
        self.poses += sum(pose.has_pose for pose in result.poses)
        if result.video_frame is not None and result.video_frame.received is not None:
            self.latencies.append(time.monotonic() - result.video_frame.received)
        for pose in result.poses:
            name = pose.category or str(pose.label)
            objects, posed = self.categories.get(name, (0, 0))
            self.categories[name] = objects + 1, posed + pose.has_pose

    def skip(self, error: DataError) -> None:
        """Count an image that could not be used."""
        self.skipped.append(str(error))


@outputs_guarded()
def infer_to_folder(
    inferencer: CenterPoseInferencer,
    inputs: ImageInput,
    writer: ResultWriter,
    camera: CameraLike | None = None,
    batch_size: int = 1,
    score_thr: float | None = None,
    use_pnp: bool = True,
    on_image: Callable[[], None] = lambda: None,
    fps: float | None = None,
) -> InferenceSummary:
    """Infer, draw and write; images that cannot be used are left out and listed.

    Args:
        inferencer: The model.
        inputs: See `CenterPoseInferencer`.
        writer: Where results go; entered and left here.
        camera: See `CenterPoseInferencer`.
        batch_size: Images that go through the network at once.
        score_thr: See `CenterPoseInferencer`.
        use_pnp: Whether to look for 6-DoF poses.
        on_image: Called after each image, also after one that is left out.
        fps: See `read_images`.

    Raises:
        ConfigError: If camera, batch size or ``fps`` are wrong.
        DataError: If an input does not exist or the camera file cannot be used.
        OutputError: If something cannot be written.
    """
    summary = InferenceSummary(categories=dict.fromkeys(inferencer.categories, (0, 0)))
    note_input(*(inputs if isinstance(inputs, list | tuple) else [inputs]))

    def skip(error: DataError) -> None:
        summary.skip(error)
        on_image()

    how = {'camera': camera, 'score_thr': score_thr, 'use_pnp': use_pnp, 'fps': fps}
    pairs = inferencer.iterate(inputs, batch_size, on_error=skip, **how)
    with writer:
        for image, result in pairs:
            writer.write(image, result)
            summary.add(result)
            on_image()
    return summary
