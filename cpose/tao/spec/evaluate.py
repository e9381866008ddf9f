"""Section ``evaluate``."""

from cpose.tao.spec.gpus import GpuIds, gpu_ids, num_gpus, num_nodes
from cpose.tao.spec.keys import Section, Text, Whole, key


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
    eval_num_symmetry: Whole = key(
        1,
        'Rotations about the up axis that count as equal; 100 suits round objects.',
        'The schema has at least 3 and 1 as default.',
        ge=1,
    )
