"""Section ``gen_trt_engine``."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from cpose.tao.spec.sections.keys import Section, Text, Texts, Whole, key


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Precision = Annotated[Literal['FP32', 'FP16', 'INT8'], BeforeValidator(_upper)]


class Calibration(Section):
    """Section ``gen_trt_engine.tensorrt.calibration``."""

    cal_image_dir: Texts = key(
        [],
        'Folders of images for INT8; empty: the training data named in the ONNX file.',
        'TAO stops at the list.',
    )
    cal_cache_file: Text = key(
        '', 'File of the measured ranges: used if it is there, else written.'
    )
    cal_batch_size: Whole = key(1, 'Images in a batch of calibration.', ge=1)
    cal_batches: Whole = key(
        1,
        'Batches; there must be images for all of them.',
        ge=1,
    )


class TensorRT(Section):
    """Section ``gen_trt_engine.tensorrt``."""

    workspace_size: Whole = key(
        1024,
        'Scratch memory, MB.',
        'TAO rounds down to whole GB, and below 1024 to nothing.',
        ge=1,
    )
    min_batch_size: Whole = key(1, 'Least images in a batch.', ge=1)
    opt_batch_size: Whole = key(4, 'Images in the batch to be fastest.', 'TAO: at least 4.', ge=1)
    max_batch_size: Whole = key(8, 'Most images in a batch.', 'TAO: at least 8.', ge=1)
    layers_precision: Texts = key(
        [],
        'Layers that stay in float with INT8, by ONNX node: "layer:fp32". Refused with FP32 and '
        'FP16, where all layers have that precision.',
        'TAO ignores it with FP32; the precision of other layers is a preference there.',
    )
    flavor: Literal['auto', 'tensorrt', 'rtx'] = key(
        'auto', 'Package that builds: TensorRT, or TensorRT for RTX.', 'New here.'
    )
    compute_capabilities: Texts = key(
        [], 'GPUs to build for, "89", without one here; TensorRT for RTX only.', 'New here.'
    )
    data_type: Precision = key('FP32', 'Precision; any case.')
    calibration: Calibration = Field(default_factory=Calibration)


OLDER = 'Older releases of TAO only.'
SIDE = 'Side of the input, pixels; where it is given it must be that of the ONNX file.'


class GenTrtEngine(Section):
    """From ONNX to a TensorRT engine."""

    results_dir: Text = key('', 'Folder of logs; empty: <results_dir>/gen_trt_engine.')
    gpu_id: Whole = key(0, 'GPU for which the engine is built.', ge=0)
    onnx_file: Text = key('', 'Model to build from.')
    trt_engine: Text = key('', 'File to write: .engine, .plan or .trt; an older one is replaced.')
    timing_cache: Text = key(
        '',
        'File of measured times: used if it is there, then written. TensorRT for RTX has none, and '
        'says so.',
    )
    batch_size: Whole = key(
        -1,
        'Images in a batch; -1: the range of tensorrt.*_batch_size.',
        'TAO overwrites it with the batch of the ONNX file.',
        ge=-1,
    )
    verbose: bool = key(False, 'Let TensorRT tell more.')
    input_channel: Whole = key(
        3, 'Channels of the input.', OLDER, only_because='the networks take colour images'
    )
    input_width: Whole = key(512, SIDE, OLDER, ge=32, multiple_of=32)
    input_height: Whole = key(512, SIDE, OLDER, ge=32, multiple_of=32)
    tensorrt: TensorRT = Field(default_factory=TensorRT)
