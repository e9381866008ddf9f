"""Task ``gen_trt_engine``."""

from pathlib import Path
from typing import Any

from cpose.apis.export.engine_building import EngineRequest, build_engine_file
from cpose.apis.export.quantization import CalibrationSource
from cpose.deploy.engines.engine_build import BuildSettings
from cpose.deploy.model_metadata import load_onnx, static_batch_of
from cpose.deploy.quantization.quantize import QuantizationSettings
from cpose.tao.jobs.archives import data_folder
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation.file_config import tell_of_file
from cpose.tao.translation.model_file import ModelFile

BATCH = 'gen_trt_engine.batch_size'
SIDES = ('gen_trt_engine.input_width', 'gen_trt_engine.input_height')
LAYERS = 'gen_trt_engine.tensorrt.layers_precision'
FLOATS = ('fp32', 'fp16')
INT8 = 'int8'


def run_gen_trt_engine(spec: TaoSpec, launcher: str = 'none') -> Path:
    """Build an engine and return its file; an older one is replaced.

    Args:
        spec: The spec.
        launcher: 'none' only.

    Raises:
        UserError: If the spec, the ONNX file, the images or the output is wrong.
    """
    onnx_file, engine_file = files(spec)
    model, metadata = load_onnx(onnx_file)
    check_input(spec, metadata.input_wh)
    tell_of_file(ModelFile(spec, 'gen_trt_engine', Path(onnx_file)))
    result = build_engine_file(
        onnx_file,
        engine_file,
        EngineRequest(**engine_request(spec, static_batch_of(model))),
        BuildSettings(**build_settings(spec)),
        CalibrationSource(**calibration_source(spec)),
        QuantizationSettings(**quantization_settings(spec)),
    )
    return result.path


def files(spec: TaoSpec) -> tuple[str, str]:
    """Return the ONNX file and the engine to write."""
    settings = spec.values.gen_trt_engine
    return settings.onnx_file, settings.trt_engine


def check_input(spec: TaoSpec, input_wh: tuple[int, int]) -> None:
    """Compare the input size that a spec gives with that of the ONNX file, which is fixed.

    Raises:
        ConfigError: If they differ.
    """
    for key, side in zip(SIDES, input_wh, strict=True):
        if spec.origin.gives(key) and spec.value(key) != side:
            raise spec.wrong(
                key,
                f'does not go with {spec.values.gen_trt_engine.onnx_file}, which takes images of '
                f'{input_wh[0]}×{input_wh[1]} pixels (width×height)',
                ('Remove the key', 'Export with this size as export.input_width and input_height'),
            )


def engine_request(spec: TaoSpec, static_batch: int | None = None) -> dict[str, Any]:
    """Return what kind of engine is wanted: the options of `EngineRequest`.

    Args:
        spec: The spec.
        static_batch: Batch size that the ONNX file has fixed, None if it is free. A fixed one comes
            before the range of the spec, as in TAO.

    Raises:
        ConfigError: If the spec wants another one.
    """
    settings = spec.values.gen_trt_engine
    trt, size = settings.tensorrt, settings.batch_size
    batches: tuple[int | None, ...] = (trt.min_batch_size, trt.opt_batch_size, trt.max_batch_size)
    if size > 0:
        _check_batch(spec, static_batch)
        batches = (size, size, size)
    elif static_batch is not None:
        batches = (None, None, None)
    return {
        'precision': trt.data_type.lower(),
        'batches': batches,
        'flavor': trt.flavor,
        'may_replace': True,
    }


def build_settings(spec: TaoSpec) -> dict[str, Any]:
    """Return how the engine is built: the options of `BuildSettings`."""
    settings = spec.values.gen_trt_engine
    return {
        'workspace_mib': settings.tensorrt.workspace_size,
        'timing_cache': Path(settings.timing_cache) if settings.timing_cache else None,
        'is_verbose': settings.verbose,
        'compute_capabilities': tuple(settings.tensorrt.compute_capabilities),
    }


def calibration_source(spec: TaoSpec) -> dict[str, Any]:
    """Return where the images for INT8 come from: the options of `CalibrationSource`."""
    calibration = spec.values.gen_trt_engine.tensorrt.calibration
    if spec.values.gen_trt_engine.tensorrt.data_type.lower() != INT8:
        return {}
    beside = spec.results_dir('gen_trt_engine') / 'data'
    return {
        'folders': tuple(data_folder(place, beside) for place in calibration.cal_image_dir),
        'batch_size': calibration.cal_batch_size,
        'num_batches': calibration.cal_batches,
    }


def quantization_settings(spec: TaoSpec) -> dict[str, Any]:
    """Return choices for INT8: the options of `QuantizationSettings`.

    Raises:
        ConfigError: If the precision of a layer cannot be chosen so.
    """
    cache = spec.values.gen_trt_engine.tensorrt.calibration.cal_cache_file
    return {
        'target': 'tensorrt',
        'keep_float': _float_layers(spec),
        'cache': Path(cache) if cache else None,
    }


def _float_layers(spec: TaoSpec) -> tuple[str, ...]:
    trt = spec.values.gen_trt_engine.tensorrt
    chosen = [_split(spec, text) for text in trt.layers_precision]
    if chosen and trt.data_type.lower() != INT8:
        raise spec.wrong(
            LAYERS,
            'cannot apply: networks are strongly typed, and with '
            f'{trt.data_type} all layers have that precision',
            ('Leave it empty', 'Use data_type=INT8, where layers can stay in float'),
        )
    return tuple(name for name, precision in chosen if precision in FLOATS)


def _split(spec: TaoSpec, text: str) -> tuple[str, str]:
    """Return layer and precision of an entry.

    Raises:
        ConfigError: If there is no known precision, or it says what no other entry can undo.
    """
    name, colon, precision = text.rpartition(':')
    precision = precision.lower()
    is_known = precision in (*FLOATS, INT8)
    if not (colon and name and is_known) or (name == '*' and precision != INT8):
        raise spec.wrong(
            LAYERS,
            f'has the entry {text!r}, which is not allowed',
            'Allowed: "layer:fp32", "layer:fp16" or "layer:int8" with the name of an ONNX node, in '
            'which * may stand for any text; and "*:int8" for all others',
        )
    return name, precision


def _check_batch(spec: TaoSpec, static_batch: int | None) -> None:
    size = spec.values.gen_trt_engine.batch_size
    if static_batch not in (None, size):
        raise spec.wrong(
            BATCH,
            f'does not go with {spec.values.gen_trt_engine.onnx_file}, whose batch size is fixed '
            f'to {static_batch}',
            (f'Use {static_batch} or -1', 'Export with export.batch_size=-1'),
        )
