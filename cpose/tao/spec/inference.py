"""Section ``inference``."""

from cpose.tao.spec.gpus import GpuIds, gpu_ids, num_gpus, num_nodes
from cpose.tao.spec.keys import Number, Section, Text, Whole, key

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
        0.5, 'Drawn length of the axes, object heights.', 'TAO draws 0.5 always.', gt=0
    )
