"""Section ``export``."""

from cpose.tao.spec.keys import Section, Text, Whole, key


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
