"""From a model file to an engine of TensorRT."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cpose.apis.export.quantization import CalibrationSource, find_calibration_images
from cpose.deploy.engines.engine_build import BatchProfile, BuildSettings, choose_profile
from cpose.deploy.engines.engine_file import check_engine_path, prepare_model, write_engine
from cpose.deploy.engines.flavors import AUTO, Flavor, load_flavor
from cpose.deploy.model_metadata import ModelMetadata, load_onnx, static_batch_of
from cpose.deploy.network_inputs import refuse_previous
from cpose.deploy.quantization.quantize import QuantizationSettings
from cpose.files.outputs import note_input, outputs_guarded


@dataclass(frozen=True)
class EngineRequest:
    """What kind of engine is wanted.

    Attributes:
        precision: ``'fp32'``, ``'fp16'`` or ``'int8'``; None takes that of the file.
        batches: Least, best and greatest batch; None for what the file and
            `cpose.deploy.engines.engine_build.DEFAULT_BATCHES` say.
        flavor: ``'tensorrt'``, ``'rtx'`` or ``'auto'``.
        may_replace: Whether an existing engine may be overwritten.
    """

    precision: str | None = None
    batches: Sequence[int | None] = (None, None, None)
    flavor: str = AUTO
    may_replace: bool = False


@dataclass(frozen=True)
class EngineResult:
    """An engine that was built.

    Attributes:
        path: The file; a JSON file beside it describes it.
        num_bytes: Its size.
        metadata: What the description says of the model.
        profile: Batch sizes that it takes.
        flavor: The package that built it.
        preparation: What was done to the graph before, in words; empty for nothing.
    """

    path: Path
    num_bytes: int
    metadata: ModelMetadata
    profile: BatchProfile
    flavor: Flavor
    preparation: str


DEFAULT_REQUEST = EngineRequest()
DEFAULT_SETTINGS = BuildSettings()
DEFAULT_SOURCE = CalibrationSource()
DEFAULT_QUANTIZATION = QuantizationSettings(target='tensorrt')


@outputs_guarded()
def build_engine_file(
    path: str | Path,
    out: str | Path,
    request: EngineRequest = DEFAULT_REQUEST,
    settings: BuildSettings = DEFAULT_SETTINGS,
    source: CalibrationSource = DEFAULT_SOURCE,
    quantization: QuantizationSettings = DEFAULT_QUANTIZATION,
) -> EngineResult:
    """Build an engine; FP16 and INT8 are made of an fp32 file where it is one.

    Args:
        path: ONNX file of cpose.
        out: Engine to write, ending with .engine, .plan or .trt.
        request: What kind of engine.
        settings: How it is built.
        source: Calibration images, read for INT8 only.
        quantization: Choices for INT8; the target is always TensorRT.

    Raises:
        UserError: If the file, the machine or an option does not allow it; nothing is written
            then.
    """
    note_input(path, *source.folders)
    check_engine_path(out, request.may_replace)
    model, metadata = load_onnx(path)
    refuse_previous(metadata, path, 'an engine')
    profile = choose_profile(static_batch_of(model), *request.batches)
    flavor = load_flavor(request.flavor, settings.compute_capabilities)
    prepared = prepare_model(
        model,
        metadata,
        path,
        request.precision,
        lambda: find_calibration_images(model, metadata, path, source),
        quantization,
    )
    num_bytes = write_engine(prepared, out, flavor, profile, settings)
    return EngineResult(
        Path(out), num_bytes, prepared.metadata, profile, flavor, prepared.preparation
    )
