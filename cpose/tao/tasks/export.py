"""Task ``export``."""

import sys
from pathlib import Path
from typing import Any

from cpose.apis.inference.inference_parts import choose_input_wh
from cpose.files.weight_files import find_weights
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation.file_config import config_for_file
from cpose.tao.translation.model_file import ModelFile
from cpose.tao.translation.spec_config import network_overlay


def run_export(spec: TaoSpec, launcher: str = 'none') -> Path:
    """Write a checkpoint as ONNX, compared with PyTorch, and return the file.

    Args:
        spec: The spec.
        launcher: 'none' only.

    Raises:
        UserError: If the spec, the checkpoint or the output is wrong.
    """
    from cpose.apis.export.model_export import export_model
    from cpose.deploy.onnx.export import ExportSettings

    path = find_weights(spec.values.export.checkpoint)
    config = config_for_file(ModelFile(spec, 'export', path), export_overlay)
    settings = ExportSettings(choose_input_wh(config, None), **export_options(spec))
    result = export_model(config, path, export_file(spec), settings)
    if spec.values.export.verbose:
        for line in result.lines:
            sys.stdout.write(f'{line}\n')
    return result.path


def export_overlay(spec: TaoSpec) -> dict[str, Any]:
    """Return what the config of the network sets."""
    settings = spec.values.export
    overlay = network_overlay(spec, settings.num_select)
    size = (settings.input_width, settings.input_height)
    overlay['test_dataloader']['dataset']['input_wh'] = size
    return overlay


def export_options(spec: TaoSpec) -> dict[str, Any]:
    """Return the options of `ExportSettings` beside the input size."""
    settings = spec.values.export
    return {
        'opset': settings.opset_version,
        'batch': settings.batch_size if settings.batch_size > 0 else None,
    }


def export_file(spec: TaoSpec) -> Path:
    """Return the file to write.

    Raises:
        ConfigError: If it has another ending than ``.onnx``.
    """
    path = Path(spec.values.export.onnx_file)
    if path.suffix != '.onnx':
        raise spec.wrong(
            'export.onnx_file',
            'must end in .onnx',
            "Give another name; the format of TAO's .etlt files is not public",
        )
    return path
