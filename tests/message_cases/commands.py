"""Command lines that a user gets wrong, before anything is built."""

OPTIONS = '--cfg-options'
EXPORT = ('export-onnx', 'dla34_bike', 'x.pth', '--out', 'a.onnx')

CASES = {
    'config that does not exist': ['train', 'dla34_bik'],
    'key that does not exist': ['train', 'dla34_bike', OPTIONS, 'optim_wraper.a=1'],
    'override that does not '
    'fit': ['print-config', 'dla34_bike', OPTIONS, 'param_scheduler.9.a=1'],
    'overrides that contradict each other': [
        'print-config', 'dla34_bike', OPTIONS, 'a=1', 'a.b=1',
    ],
    'argument that does not '
    'exist': ['train', 'dla34_bike', OPTIONS, 'train_cfg.max_epoch=3'],
    'type that does not exist': ['train', 'dla34_bike', OPTIONS, 'model.head.type=CenterPoseHed'],
    'spec in place of a config': ['print-config', __file__.replace('commands.py', 'spec.yaml')],
    'checkpoint that does not exist': ['test', 'dla34_bike', 'none.pth'],
    'checkpoint to resume that does not exist': ['train', 'dla34_bike', '--resume', 'none.pth'],
    'work dir below a file': ['train', 'dla34_bike', '--work-dir', __file__ + '/run'],
    'onnx file with another ending': ['export-onnx', 'dla34_bike', 'none.pth', '--out', 'a.txt'],
    'onnx file of no batch': [*EXPORT, '--batch', '0'],
    'onnx file of an odd '
    'size': [*EXPORT, '--width', '500'],
    'opset that is not '
    'supported': [*EXPORT, '--opset', '3'],
    'preset that is contradicted': [
        *EXPORT, '--preset', 'isaac-ros', '--batch', '2',
    ],
    'fp16 with options of INT8': [
        'quantize', 'a.onnx', '--out', 'b.onnx', '--precision', 'fp16', '--data', 'x',
    ],
    'fp16 with a target': [
        'quantize', 'a.onnx', '--out', 'b.onnx', '--precision', 'fp16', '--target', 'ort',
    ],
    'model to quantise that does not exist': ['quantize', 'a.onnx', '--out', 'b.onnx'],
    'engine with another ending': ['build-trt', 'a.onnx', '--out', 'b.onnx'],
    'engine of rtx for triton': [
        'build-trt', 'a.onnx', '--out', 'b.engine', '--flavor', 'rtx', '--triton', 'models',
    ],
    'model that is not in the zoo': ['infer', '--model', 'nvlabs_centrepose', 'a.jpg'],
    'model without weights': ['test', '--model', 'dla34_bike'],
    'model that others publish': ['infer', '--model', 'nvlabs_centerpose', 'a.jpg'],
    'metres from two sources': [
        *('infer', '-', 'none.pth', 'a.jpg', '--height', '0.2', '--depth', '.'),
    ],
    'model file that does not exist': ['infer', '--model', 'none.pth', 'a.jpg'],
    'file of no model': ['zoo', '--fetch'],
    'conversion of nothing': ['convert', 'none.pth', '--out', 'b.pth'],
    'calibration of a stream': ['calibrate', 'webcam:0', '--out', 'a.yaml'],
    'calibration of nothing': ['calibrate', 'none', '--out', 'a.yaml'],
    'dump that does not exist': ['evaluate', 'none.json'],
    'photographs to adapt to that do not exist': ['adapt', 'none', '--model', 'cuboid'],
    'share of photographs that is '
    'none': ['adapt', 'none', '--model', 'cuboid', '--val', '1.5'],
    'model to adapt without weights': ['adapt', 'none', '--model', 'dla34_bike'],
    'spec that does not exist': ['tao', 'train', '-e', 'none.yaml'],
    'launcher without processes': ['train', 'dla34_bike', '--launcher', 'slurm'],
}  # fmt: skip
