"""Score an ONNX graph in memory, before it is written."""

from typing import Any

import torch
from mmengine.config import Config

from cpose.apis.config.evaluation_parts import find_metric_config
from cpose.codecs.postprocessor import build_postprocessor
from cpose.deploy.model_metadata import INPUT_NAME, ModelMetadata
from cpose.deploy.onnx.files import static_batch_of
from cpose.deploy.quantization.calibration_images import build_preprocessor
from cpose.deploy.quantization.raw_map_error import open_session
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, DataError
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

    Args:
        model: ``onnx.ModelProto``.
        metadata: Its metadata. A graph for TensorRT is computed node by node as it stands.
        config: Config with head and evaluator.
        dataset: Annotated images.
        num_images: How many, at most.
    """
    session = open_session(model, is_exact=metadata.quantize_target == 'tensorrt')
    preprocessor = build_preprocessor(metadata)
    postprocessor = build_postprocessor(config.model.head, stride=metadata.stride)
    names = list(metadata.outputs)
    scoring = find_metric_config(config, 'Leave the comparison out with {eval_images} 0')
    metric = METRICS.build(dict(scoring))
    metric.dataset_meta = dataset.metainfo
    batch_size = static_batch_of(model) or BATCH_SIZE
    count = min(num_images, len(dataset))
    for start in range(0, count, batch_size):
        items = [dataset[index] for index in range(start, min(start + batch_size, count))]
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
