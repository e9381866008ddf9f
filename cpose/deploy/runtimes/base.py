"""What every runtime shares: the pixels that it wants, and the batches that it takes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from cpose.deploy.model_metadata import ModelMetadata, read_metadata
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError


@runtime_checkable
class NetworkRuntime(Protocol):
    """What runs a network up to the decoded detections, whichever program does it.

    A class for files is a `Runtime`; it checks and fills batches.
    """

    def __call__(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the outputs of an exported model by name, (N, detections, ...) float32.

        Args:
            inputs: (N, 3, H, W) float32, as the model's preprocessor gives them.

        Raises:
            ConfigError: If it takes other batches or another size.
        """

    def describe(self) -> str:
        """Return the program, its version and where it runs, in one line."""


class Runtime(ABC):
    """Run a model file on network inputs.

    A subclass is registered in `RUNTIMES`; its constructor takes ``path``, ``device`` and what else
    it can be told, opens the file and sets the attributes. One outside this package is imported
    through ``custom_imports`` and takes the files of its ``suffixes``, or the ones that the config
    key ``runtime=dict(type=...)`` gives it.

    Attributes:
        suffixes: Endings of the files that it opens, lower case.
        path: The file.
        metadata: What the file tells about itself.
        device: Where inputs are expected; others are copied.
        batch_limits: Fewest and most images of a run, None for any number.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    path: Path
    metadata: ModelMetadata
    device: torch.device = torch.device('cpu')
    batch_limits: tuple[int, int | None] = (1, None)

    @classmethod
    def read_metadata(cls, path: str | Path) -> ModelMetadata:
        """Return what a file tells about itself, its config among it, without opening the network.

        By default the file is ONNX, or has a JSON file beside it as engines have.

        Raises:
            CheckpointError: If the file is missing, unreadable or not one of ours.
        """
        return read_metadata(path)

    def __call__(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the detections of a batch.

        A batch below the smallest one that the file takes is filled up with empty images, whose
        detections are dropped.

        Args:
            inputs: (N, 3, H, W) float32, as ``metadata.input_encoding`` says.

        Returns:
            The outputs of an exported model by name, (N, detections, ...) float32.

        Raises:
            CheckpointError: If the file gives something else.
            ConfigError: If the file takes other batches or another size.
        """
        count = len(inputs)
        self._check(count, (inputs.shape[3], inputs.shape[2]))
        lacking = max(self.batch_limits[0] - count, 0)
        filled = torch.cat([inputs, inputs.new_zeros(lacking, *inputs.shape[1:])])
        outputs = self.run(filled.to(self.device, torch.float32).contiguous())
        self._check_outputs(outputs, len(filled))
        return {name: value[:count] for name, value in outputs.items()}

    @abstractmethod
    def run(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the outputs for a batch (N, 3, H, W) that fits the file."""

    @abstractmethod
    def describe(self) -> str:
        """Return the program, its version and where it runs, in one line."""

    @property
    def pixels(self) -> dict[str, Any]:
        """Arguments of `PoseDataPreprocessor` that make the inputs of this file."""
        return self.metadata.pixels

    def _check_outputs(self, outputs: Mapping[str, Tensor], count: int) -> None:
        for name, value in outputs.items():
            if value.ndim == 0 or len(value) != count:
                raise CheckpointError(
                    f'gives the output {name} of shape {tuple(value.shape)} for {count} images',
                    place=FilePlace(self.path),
                    advice='Export the model again',
                )

    def _check(self, count: int, wh: tuple[int, int]) -> None:
        least, most = self.batch_limits
        if most is not None and count > most:
            limits = f'batches of {least}' if least == most else f'batches of {least} to {most}'
            raise ConfigError(
                f'takes {limits} images, not of {count}',
                argument='batch_size',
                value=count,
                place=FilePlace(self.path),
                advice=('Use a smaller {batch_size}', 'Make the file for larger batches'),
            )
        if wh != tuple(self.metadata.input_wh):
            width, height = self.metadata.input_wh
            raise ConfigError(
                f'takes images of {width}×{height} pixels (width×height), not of {wh[0]}×{wh[1]}',
                argument='input_wh',
                value=wh,
                place=FilePlace(self.path),
                advice=(
                    'Load images of this size (input_wh of the data set)',
                    'Export the model again with this size',
                ),
            )
