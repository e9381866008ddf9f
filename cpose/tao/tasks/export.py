"""Task ``export``."""

import sys
from pathlib import Path
from typing import Any

from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation.model_part import with_stored_model
from cpose.tao.translation.spec_config import load_overlay, network_overlay


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

    settings = spec.values.export
    config = with_stored_model(load_overlay(export_overlay(spec)), spec, settings.checkpoint)
    result = export_model(
        config, settings.checkpoint, export_file(spec), ExportSettings(**export_options(spec))
    )
    if settings.verbose:
        for line in result.lines:
            sys.stdout.write(f'{line}\n')
    return result.path


def export_overlay(spec: TaoSpec) -> dict[str, Any]:
    """Return what the config of the network sets."""
    return network_overlay(spec, spec.values.export.num_select)


def export_options(spec: TaoSpec) -> dict[str, Any]:
    """Return the options of `ExportSettings`."""
    settings = spec.values.export
    return {
        'input_wh': (settings.input_width, settings.input_height),
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
