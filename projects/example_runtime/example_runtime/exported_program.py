"""Programs of ``torch.export`` as model files: written from a checkpoint, run like any other."""

import json
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cpose.apis import build_model, load_config
from cpose.apis.export.model_export import make_metadata
from cpose.deploy.model_metadata import ModelMetadata
from cpose.deploy.onnx.export import ExportSettings
from cpose.deploy.runtimes.base import Runtime
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError
from cpose.models.layers.fuse import fuse_for_inference
from cpose.registry import RUNTIMES

METADATA_FILE = 'cpose.json'


@RUNTIMES.register_module()
class ExportedProgramRuntime(Runtime):
    """Run a ``.pt2`` file in PyTorch.

    Args:
        path: File that `write_program` wrote.
        device: ``cpu`` or ``cuda``; the CPU by default.

    Raises:
        CheckpointError: If the file is not one of ours.
    """

    suffixes = ('.pt2',)

    def __init__(self, path: str | Path, device: str | None = None) -> None:
        self.path = Path(path)
        self.metadata = self.read_metadata(path)
        self.device = torch.device(device or 'cpu')
        self.network: Any = torch.export.load(path).module().to(self.device)

    @classmethod
    def read_metadata(cls, path: str | Path) -> ModelMetadata:
        """Return the metadata, and the config with it, without loading the network.

        Raises:
            CheckpointError: If the file is not one of ours.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                name = next(name for name in names if name.endswith(f'/{METADATA_FILE}'))
                values = json.loads(archive.read(name))
            lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
            return ModelMetadata(**{**values, **lists})
        except (OSError, zipfile.BadZipFile, StopIteration, ValueError, TypeError) as error:
            raise CheckpointError(
                f'is not a program of this runtime ({error})',
                place=FilePlace(path),
                advice='Write it again',
            ) from error

    @torch.inference_mode()
    def run(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the detections of a batch (N, 3, H, W)."""
        detections: dict[str, Tensor] = self.network(inputs)
        return detections

    def describe(self) -> str:
        """Return the version of PyTorch and the device."""
        return f'torch.export of PyTorch {torch.__version__}, {self.device}: {self.path}'


class Detector(nn.Module):
    """Network and decoder: normalised images (B, 3, H, W) in, detections by name out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = fuse_for_inference(model)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the outputs of an exported model by name."""
        detections: dict[str, Tensor] = self.model.head.codec.decode(self.model(images))
        return detections


def write_program(config: str, checkpoint: str, out: str) -> None:
    """Write network and decoder as a program for any batch size.

    Args:
        config: Config of the model.
        checkpoint: Its weights.
        out: File to write, ending with ``.pt2``.
    """
    loaded = load_config(config)
    model = build_model(loaded, checkpoint)
    settings = ExportSettings(tuple(loaded.test_dataloader.dataset.input_wh))
    metadata = json.dumps(asdict(make_metadata(loaded, model, settings)))
    width, height = settings.input_wh
    images = torch.zeros(2, 3, height, width)
    batch = torch.export.Dim('batch_size', min=1, max=64)
    program = torch.export.export(Detector(model), (images,), dynamic_shapes=({0: batch},))
    torch.export.save(program, out, extra_files={METADATA_FILE: metadata})


if __name__ == '__main__':
    write_program(*sys.argv[1:])
