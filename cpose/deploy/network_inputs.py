"""Inputs of an exported network: the image, and the frame before for networks that read it.

Inside the program they are one tensor, channels one after another; in a file each has its name.
"""

from pathlib import Path

import torch
from torch import Tensor

from cpose.deploy.model_metadata import INPUT_NAME, ModelMetadata
from cpose.error_places import FilePlace
from cpose.errors import ConfigError
from cpose.models.backbones.frame_before import with_itself_before
from cpose.structures.previous_frame import ALL_CHANNELS, IMAGE_CHANNELS, PREVIOUS_CHANNELS


def input_channels(reads_previous: bool) -> dict[str, int]:
    """Return the channels of each input by name, in order."""
    return {INPUT_NAME: IMAGE_CHANNELS, **(PREVIOUS_CHANNELS if reads_previous else {})}


def split_inputs(inputs: Tensor, reads_previous: bool) -> dict[str, Tensor]:
    """Return the inputs of a file by name.

    Args:
        inputs: (N, channels, H, W); images alone count as their own frame before.
        reads_previous: Whether the network reads the frame before.
    """
    if reads_previous and inputs.shape[1] == IMAGE_CHANNELS:
        inputs = with_itself_before(inputs)
    channels = input_channels(reads_previous)
    parts = inputs.split(list(channels.values()), dim=1)
    return {name: part.contiguous() for name, part in zip(channels, parts, strict=True)}


def example_input(reads_previous: bool, batch: int, input_wh: tuple[int, int]) -> Tensor:
    """Return random inputs (batch, channels, H, W) of 0 to 1, always the same."""
    channels = ALL_CHANNELS if reads_previous else IMAGE_CHANNELS
    generator = torch.Generator().manual_seed(0)
    return torch.rand(batch, channels, input_wh[1], input_wh[0], generator=generator)


def refuse_previous(metadata: ModelMetadata, path: str | Path, purpose: str) -> None:
    """Refuse a file whose network reads the frame before, where only images are given.

    Args:
        metadata: Of the file.
        path: The file.
        purpose: What it was wanted for.

    Raises:
        ConfigError: If it does.
    """
    if metadata.previous_inputs:
        raise ConfigError(
            f'reads the frame before (inputs {", ".join(metadata.previous_inputs)}), and {purpose} '
            'is for networks of single images',
            place=FilePlace(path),
            advice=('Run the ONNX file in ONNX Runtime', 'Take a network of single images'),
        )
