"""Read a file of the safetensors format, which can hold nothing but tensors."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from cpose.errors import CheckpointError

SUFFIX = '.safetensors'


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file.

    Raises:
        CheckpointError: If the file is cut off or not of this format.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f'Checkpoint {path} cannot be read as safetensors: {error}. Copy or download it again.'
        ) from error
