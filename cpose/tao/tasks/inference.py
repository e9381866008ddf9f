"""Task ``inference``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.folder_inference import InferenceSummary, infer_to_folder
from cpose.apis.inference.inference_parts import find_drawer
from cpose.apis.inference.result_writer import ResultWriter
from cpose.files.weight_files import find_weights
from cpose.tao.jobs.archives import data_folder
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation.file_config import config_for_file
from cpose.tao.translation.model_file import ModelFile
from cpose.tao.translation.spec_config import network_overlay

THRESHOLD, AXES = 'inference.visualization_threshold', 'inference.axis_size'
CAMERA_KEYS = ('focal_length_x', 'focal_length_y', 'principle_point_x', 'principle_point_y')


def run_inference(spec: TaoSpec, launcher: str = 'none') -> InferenceSummary:
    """Find poses; write ``<name>.json`` and ``<name>.<ending>`` for each image.

    Sub-folders are kept, so that images of one name do not overwrite each other.

    Args:
        spec: The spec.
        launcher: 'none' only.

    Raises:
        UserError: If the spec, the model, the camera or an output is wrong.
    """
    path = find_weights(model_file(spec))
    config = config_for_file(ModelFile(spec, 'inference', path), inference_overlay)
    inferencer = CenterPoseInferencer(config, path, device=None)
    options = writer_options(spec)
    drawer = find_drawer(inferencer.visualizer, inferencer.categories)
    if spec.origin.gives(AXES):
        drawer = replace(drawer, axis_length=options['axis_length'])
    writer = ResultWriter(
        spec.results_dir('inference'),
        options['frame'],
        inferencer.categories,
        drawer if options['has_pictures'] else None,
        options['save_json'],
        json_folder='',
        picture_folder='',
    )
    return infer_to_folder(inferencer, inference_inputs(spec), writer, **inference_options(spec))


def model_file(spec: TaoSpec) -> str:
    """Return the checkpoint or the engine."""
    return spec.values.inference.checkpoint or spec.values.inference.trt_engine


def inference_overlay(spec: TaoSpec) -> dict[str, Any]:
    """Return what the config of network and input sets, with the network of the spec."""
    return network_overlay(spec, spec.values.inference.num_select)


def inference_inputs(spec: TaoSpec) -> str:
    """Return the images, an archive extracted."""
    beside = Path(spec.values.results_dir or spec.results_dir('inference')) / 'data'
    return data_folder(spec.values.dataset.inference_data, beside)


def writer_options(spec: TaoSpec) -> dict[str, Any]:
    """Return what is written, and how."""
    settings = spec.values.inference
    return {
        'frame': 'opencv' if settings.opencv else 'objectron',
        'save_json': settings.save_json,
        'has_pictures': settings.save_visualization,
        'axis_length': settings.axis_size,
    }


def inference_options(spec: TaoSpec) -> dict[str, Any]:
    """Return the options of `infer_to_folder`.

    Raises:
        ConfigError: If the camera is given in part only.
    """
    settings = spec.values.inference
    batch_size = settings.batch_size if settings.batch_size > 0 else spec.values.dataset.batch_size
    return {
        'camera': _camera(spec),
        'batch_size': batch_size,
        'score_thr': settings.visualization_threshold if spec.origin.gives(THRESHOLD) else None,
        'use_pnp': settings.use_pnp,
    }


def _camera(spec: TaoSpec) -> list[float] | None:
    values = [getattr(spec.values.inference, name) for name in CAMERA_KEYS]
    if not any(values):
        return None
    for name, value in zip(CAMERA_KEYS[:2], values[:2], strict=True):
        if value == 0:
            raise spec.wrong(
                f'inference.{name}',
                'must be above 0, in pixels, where other values of the camera are given',
                'Give all values of the camera, or none',
            )
    return [*values, spec.values.inference.skew]
