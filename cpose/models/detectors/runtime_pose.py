"""A model file in the place of a network, wherever MMEngine expects a model."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModel
from torch import Tensor

from cpose.codecs.postprocessor import build_postprocessor
from cpose.errors import ConfigError, errors_of_file
from cpose.registry import MODELS, RUNTIMES
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample, make_results


@MODELS.register_module()
class RuntimePose(BaseModel):
    """The parts before and after a network that a runtime runs: pixels and poses.

    Args:
        runtime: Config of the runtime, with the path of the file.
        input_wh: Width and height of the images that it will get.
        head: Config of the head, of which branches and postprocessor are read; the stride is
            filled in.
        data_preprocessor: Config of the preprocessor; what the network reads is filled in.

    Attributes:
        runtime: The opened file.

    Raises:
        ConfigError: If the file takes another input size.
        UserError: If the runtime cannot use the file.
    """

    def __init__(
        self,
        runtime: Mapping[str, Any],
        input_wh: Sequence[int],
        head: Mapping[str, Any],
        data_preprocessor: Mapping[str, Any],
    ) -> None:
        opened = RUNTIMES.build(dict(runtime))
        wanted = tuple(opened.metadata.input_wh)
        if tuple(input_wh) != wanted:
            raise ConfigError(
                f'is not the size of {runtime["path"]}, which takes images of '
                f'{wanted[0]}×{wanted[1]} pixels (width×height)',
                argument='input_wh',
                value=tuple(input_wh),
                advice=(
                    "Take the config from the file with '-'",
                    'Set input_wh of the data to the size of the file',
                    'Export the model again with this one',
                ),
            )
        super().__init__(MODELS.build({**data_preprocessor, **opened.pixels}))
        self.runtime = opened
        self.postprocessor = build_postprocessor(head, stride=opened.metadata.stride)

    def forward(
        self,
        inputs: Tensor,
        data_samples: Sequence[PoseDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list[PoseResult]:
        """Run the file on what the preprocessor made.

        Args:
            inputs: (B, 3, H, W).
            data_samples: One per image; needed by the mode ``predict``.
            mode: ``tensor`` for detections, ``predict`` for poses.

        Returns:
            The outputs by name, or one `PoseResult` per image.

        Raises:
            CheckpointError: If the file gives something else than detections.
        """
        detections: dict[str, Tensor] = self.runtime(inputs)
        if mode == 'tensor':
            return detections
        if mode != 'predict':
            raise ValueError(f'mode={mode!r} is unknown to a model file. Use tensor or predict.')
        if data_samples is None:
            raise ValueError(f'mode={mode!r} needs data_samples, one per image.')
        with errors_of_file(self.runtime.path):
            return make_results(data_samples, self.postprocessor(detections, data_samples))
