"""Make a model file faster, and measure what that costs in average precision."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from cpose.apis.config.check import import_custom_modules
from cpose.apis.config.evaluation_parts import find_metric_config
from cpose.apis.runtime_files import config_from_file
from cpose.building import building
from cpose.codecs.postprocessor import build_postprocessor
from cpose.deploy.model_integrity import sealed_model
from cpose.deploy.model_metadata import (
    INPUT_NAME,
    ModelMetadata,
    attach_metadata,
    load_onnx,
    static_batch_of,
)
from cpose.deploy.network_inputs import refuse_previous
from cpose.deploy.onnx.graph_passes import convert_to_half
from cpose.deploy.quantization.calibration_images import (
    DEFAULT_BATCH_SIZE,
    CalibrationImages,
    build_preprocessor,
    config_dataset,
    folder_dataset,
    spread_evenly,
)
from cpose.deploy.quantization.quantize import QuantizationSettings, QuantizedModel, quantize_model
from cpose.deploy.quantization.sensitivity import open_session
from cpose.error_places import ConfigPlace, FilePlace
from cpose.errors import CheckpointError, ConfigError, DataError
from cpose.files.model_files import check_new_file, write_model_atomic
from cpose.files.outputs import note_input, outputs_guarded
from cpose.registry import DATASETS, METRICS
from cpose.structures.pose_data_sample import make_results

BATCH_SIZE = 8


def build_test_data(config: Config) -> Any:
    """Return the test data of a config.

    Raises:
        ConfigError: If it has none.
        DataError: If they are not there.
    """
    given = (config.get('test_dataloader') or {}).get('dataset')
    if given is None or config.get('test_evaluator') is None:
        raise ConfigError(
            'has no test_dataloader and test_evaluator to compare the average precision with',
            place=ConfigPlace((), config.filename or 'in the model file'),
            advice='Leave the comparison out with {eval_images} 0',
        )
    try:
        return DATASETS.build(given)
    except DataError as error:
        raise DataError(
            f'The test data of the config in the model file cannot be used: {error}',
            advice='Leave the comparison out with {eval_images} 0',
        ) from error


def evaluate_graph(
    model: Any,
    metadata: ModelMetadata,
    config: Config,
    dataset: Any,
    num_images: int,
) -> dict[str, Any]:
    """Return the report of a graph on the first images of a data set.

    With several categories the images are spread evenly: those of one may come first.

    Args:
        model: ``onnx.ModelProto``.
        metadata: Its metadata. A graph for TensorRT is computed node by node as it stands.
        config: Config with head and evaluator.
        dataset: Annotated images.
        num_images: How many, at most.
    """
    session = open_session(model, is_exact=metadata.quantize_target == 'tensorrt')
    preprocessor = build_preprocessor(metadata)
    with building(config):
        postprocessor = build_postprocessor(config.model.head, stride=metadata.stride)
    names = list(metadata.outputs)
    scoring = find_metric_config(config, 'Leave the comparison out with {eval_images} 0')
    metric = METRICS.build(dict(scoring))
    metric.dataset_meta = dataset.metainfo
    batch_size = static_batch_of(model) or BATCH_SIZE
    count = min(num_images, len(dataset))
    has_several = len(dataset.metainfo['category']) > 1
    chosen = spread_evenly(len(dataset), count) if has_several else list(range(count))
    for start in range(0, count, batch_size):
        items = [dataset[index] for index in chosen[start : start + batch_size]]
        samples = [item['data_samples'] for item in items]
        inputs = preprocessor({'inputs': [item['inputs'] for item in items]})['inputs']
        lacking = (static_batch_of(model) or len(inputs)) - len(inputs)
        filled = torch.cat([inputs, inputs.new_zeros(lacking, *inputs.shape[1:])])
        outputs = session.run(names, {INPUT_NAME: filled.numpy()})
        found = {name: value[: len(items)] for name, value in zip(names, outputs, strict=True)}
        results = make_results(samples, postprocessor(found, samples))
        metric.process({'data_samples': samples}, results)
    metric.compute_metrics(metric.results)
    report: dict[str, Any] = metric.report
    return report


@dataclass(frozen=True)
class CalibrationSource:
    """Where calibration images come from.

    Attributes:
        folders: Folders of images; empty for the training data of the config in the model file.
        batch_size: Images in a batch; None for that of the file, or `DEFAULT_BATCH_SIZE`.
        num_batches: Batches; None for as many as there are images for, within reason.
        allow_custom_imports: Whether the config in the file may import any package.
    """

    folders: tuple[str, ...] = ()
    batch_size: int | None = None
    num_batches: int | None = None
    allow_custom_imports: bool = False


@dataclass(frozen=True)
class QuantizationResult:
    """What became of a model file.

    Attributes:
        path: The new file.
        num_bytes: Sizes of the old file and the new one.
        quantized: How it was quantised; None for FP16.
        before: Report of the old file; None if nothing was evaluated.
        after: Report of the new one.
    """

    path: Path
    num_bytes: tuple[int, int]
    quantized: QuantizedModel | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def find_calibration_images(
    model: Any, metadata: ModelMetadata, path: str | Path, source: CalibrationSource
) -> CalibrationImages:
    """Return the images that ranges of a model are measured on.

    Args:
        model: ``onnx.ModelProto``.
        metadata: Its metadata.
        path: Its file.
        source: What the user chose.

    Raises:
        ConfigError: If the batch size is not that of the file, or the config names no images.
        DataError: If there are no images, or too few.
    """
    fixed = static_batch_of(model)
    if fixed and source.batch_size not in (None, fixed):
        raise ConfigError(
            f'does not go with {path}, whose batch size is fixed to {fixed}',
            argument='batch_size',
            value=source.batch_size,
            advice='Leave it out',
        )
    dataset: Any
    if source.folders:
        dataset = folder_dataset(source.folders, metadata)
    else:
        config = config_from_file(path, source.allow_custom_imports)
        import_custom_modules(config)
        dataset = config_dataset(config, metadata)
    size = fixed or source.batch_size or min(DEFAULT_BATCH_SIZE, len(dataset))
    return CalibrationImages(dataset, metadata, size, source.num_batches)


@outputs_guarded()
def quantize_file(
    path: str | Path,
    out: str | Path,
    settings: QuantizationSettings | None,
    source: CalibrationSource,
    num_eval_images: int = 0,
    may_replace: bool = False,
) -> QuantizationResult:
    """Write a model file in INT8 or FP16, and compare both files on test data.

    Args:
        path: An fp32 file of cpose.
        out: File to write.
        settings: Of INT8; None for FP16.
        source: Calibration images; ``allow_custom_imports`` holds for the test data too.
        num_eval_images: Test images of the config in the file; 0 for no comparison.
        may_replace: Whether an existing file may be overwritten.

    Raises:
        UserError: If the file, the images or an option is wrong; nothing is written then.
    """
    note_input(*source.folders)
    _check_out(path, out, may_replace)
    model, metadata = load_onnx(path)
    refuse_previous(metadata, path, 'quantisation')
    if metadata.precision != 'fp32':
        raise CheckpointError(
            f'is {metadata.precision} already',
            place=FilePlace(path),
            advice='Give the fp32 file it was made from',
        )
    config, dataset = None, None
    if num_eval_images:
        config = config_from_file(path, source.allow_custom_imports)
        import_custom_modules(config)
        dataset = build_test_data(config)
    if settings is None:
        quantized, result = None, convert_to_half(model)
        changed = replace(metadata, precision='fp16')
        attach_metadata(result, changed)
    else:
        images = find_calibration_images(model, metadata, path, source)
        quantized = quantize_model(model, metadata, images, settings)
        result, changed = quantized.model, quantized.metadata
    before = _evaluate(model, metadata, config, dataset, num_eval_images)
    after = _evaluate(result, changed, config, dataset, num_eval_images)
    content = sealed_model(result)
    write_model_atomic(out, content)
    sizes = (Path(path).stat().st_size, len(content))
    return QuantizationResult(Path(out), sizes, quantized, before, after)


def _evaluate(
    model: Any, metadata: ModelMetadata, config: Config | None, dataset: Any, count: int
) -> dict[str, Any] | None:
    if config is None:
        return None
    return evaluate_graph(model, metadata, config, dataset, count)


def _check_out(path: str | Path, out: str | Path, may_replace: bool) -> None:
    if Path(out).suffix != '.onnx':
        raise ConfigError('must end with .onnx', argument='out', value=out)
    note_input(path)
    check_new_file(out, may_replace)
