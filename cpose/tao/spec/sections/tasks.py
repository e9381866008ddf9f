"""Sections ``inference``, ``evaluate``, ``export`` and ``gen_trt_engine``."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from cpose.tao.spec.sections.keys import (
    GpuIds,
    Number,
    PositiveOfCategories,
    Section,
    Text,
    Texts,
    Whole,
    gpu_ids,
    key,
    num_gpus,
    num_nodes,
)

CAMERA = (
    'All of 0: the camera of the JSON file beside the image, or a guess. The documentation has '
    '300.7, 392.8, 615, 615 as defaults, which suit Objectron only; the schema has 0.'
)


class Inference(Section):
    """Poses of new images."""

    num_gpus: Whole = num_gpus(
        'One, or the CPU where there is none. More are refused, as inference runs in one process: '
        'start one for each GPU, with a part of the images.'
    )
    gpu_ids: GpuIds = gpu_ids()
    num_nodes: Whole = num_nodes()
    checkpoint: Text = key('', 'Model file, of this project or of TAO; or give trt_engine.')
    trt_engine: Text = key('', 'TensorRT engine to use in place of a checkpoint.')
    results_dir: Text = key('', 'Folder of the results; empty: <results_dir>/inference.')
    batch_size: Whole = key(
        -1, 'Images in a batch; -1: dataset.batch_size.', 'TAO ignores it.', ge=-1
    )
    visualization_threshold: Number = key(
        0.3, 'Least score of an object.', 'The schema has 0.3 only.', ge=0, le=1
    )
    num_select: Whole = key(100, 'Most objects of an image.', 'TAO: 100 only.', ge=1)
    use_pnp: bool = key(
        True, 'Find 6-DoF poses; false: 2D boxes and corners only.', 'TAO stops with false.'
    )
    save_json: bool = key(True, 'Write a JSON file for each image.')
    save_visualization: bool = key(True, 'Write a picture for each image.')
    opencv: bool = key(
        True,
        'Camera frame of 3D values in JSON files: OpenCV, or Objectron with false.',
        'The documentation has false as default; pictures are right with either.',
    )
    principle_point_x: Number = key(0.0, 'Principal point, pixels.', CAMERA, ge=0)
    principle_point_y: Number = key(0.0, 'Principal point, pixels.', ge=0)
    focal_length_x: Number = key(0.0, 'Focal length, pixels.', ge=0)
    focal_length_y: Number = key(0.0, 'Focal length, pixels.', ge=0)
    skew: Number = key(0.0, 'Skew of the camera, pixels.')
    axis_size: Number = key(
        0.5,
        'Drawn length of the axes, object heights.',
        'TAO draws 0.5 always; TAO Deploy honours it.',
        gt=0,
    )


class Evaluate(Section):
    """Evaluation of a checkpoint or an engine."""

    num_gpus: Whole = num_gpus()
    gpu_ids: GpuIds = gpu_ids()
    num_nodes: Whole = num_nodes()
    checkpoint: Text = key('', 'Model file, of this project or of TAO; or give trt_engine.')
    trt_engine: Text = key('', 'TensorRT engine to evaluate in place of a checkpoint.')
    results_dir: Text = key('', 'Folder of the report; empty: <results_dir>/evaluate.')
    batch_size: Whole = key(
        -1, 'Images in a batch; -1: dataset.batch_size.', 'TAO ignores it.', ge=-1
    )
    opencv: bool = key(
        False,
        'Camera frame of predictions. They are compared in the frame of the annotations, so the '
        'numbers are the same with either value.',
        'TAO compares as they are: true gives an IoU near 0 with Objectron annotations. '
        'The documentation has false as default, the schema true.',
    )
    eval_num_symmetry: PositiveOfCategories = key(
        1,
        'Rotations about the up axis that count as equal; 100 suits round objects. One number for '
        'all categories, or one each.',
        'The schema has at least 3 and 1 as default.',
    )


class Export(Section):
    """From a checkpoint to ONNX."""

    results_dir: Text = key('', 'Folder of logs; empty: <results_dir>/export.')
    gpu_id: Whole = key(
        0, 'GPU that is made the current one; the file is the same on any device.', ge=0
    )
    checkpoint: Text = key('', 'Model file, of this project or of TAO.')
    onnx_file: Text = key('', 'File to write; an existing one is kept and refused.')
    on_cpu: bool = key(
        False,
        'True: no GPU is looked for. The network is traced on the CPU in any case.',
        'TAO needs a GPU even so.',
    )
    input_channel: Whole = key(
        3, 'Channels of the input.', only_because='the networks take colour images'
    )
    input_width: Whole = key(
        512, 'Width of the input, pixels.', 'TAO: 512 only.', ge=32, multiple_of=32
    )
    input_height: Whole = key(
        512, 'Height of the input, pixels.', 'TAO: 512 only.', ge=32, multiple_of=32
    )
    opset_version: Whole = key(16, 'ONNX operator set.', 'TAO: 16 only.', ge=16, le=21)
    batch_size: Whole = key(-1, 'Images in a batch; -1: any number.', ge=-1)
    verbose: bool = key(False, 'Print all differences between the file and PyTorch.')
    num_select: Whole = key(100, 'Detections per image.', 'TAO: 100 only.', ge=1)
    do_constant_folding: bool = key(
        True,
        'Compute what is constant while exporting.',
        only_because='the graph is always folded, as TensorRT needs it',
    )


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
