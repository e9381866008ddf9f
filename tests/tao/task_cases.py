"""A value for every key of the tasks after training, and what becomes of it."""

from pathlib import Path

from .key_outcomes import Effect, Refusal, Warned

WITH_LOGIN = 'visualizer.vis_backends.2.init_kwargs'
NO_LOGIN = [{'type': 'LocalVisBackend'}, {'type': 'TensorboardVisBackend'}]
INT8 = ('gen_trt_engine.tensorrt.data_type=int8',)

EVALUATE = {
    'num_gpus': Effect('2', 'gpus.evaluate', [0, 1]),
    'gpu_ids': Effect('[3]', 'gpus.evaluate', [3]),
    'num_nodes': Refusal('2', 'torchrun or Slurm'),
    'checkpoint': Effect('y.pth', 'evaluate.model', 'y.pth'),
    'trt_engine': Effect('y.engine', 'evaluate.model', 'y.engine', ('evaluate.checkpoint=',)),
    'results_dir': Effect('own', 'evaluate.folder', 'own'),
    'batch_size': Effect('3', 'evaluate.config.test_dataloader.batch_size', 3),
    'opencv': Warned('true', 'poses are compared in the frame of the annotations'),
    'eval_num_symmetry': Effect(
        '100', 'evaluate.config.test_dataloader.dataset.metainfo.eval_num_symmetry', 100
    ),
}
CAMERA = (
    'inference.focal_length_x=600',
    'inference.focal_length_y=601',
    'inference.principle_point_x=300',
    'inference.principle_point_y=301',
    'inference.skew=2',
)
INFERENCE = {
    'num_gpus': Refusal('2', 'one process'),
    'gpu_ids': Effect('[3]', 'gpus.inference', [3]),
    'num_nodes': Refusal('2', 'torchrun or Slurm'),
    'checkpoint': Effect('y.pth', 'inference.model', 'y.pth'),
    'trt_engine': Effect('y.engine', 'inference.model', 'y.engine', ('inference.checkpoint=',)),
    'results_dir': Effect('own', 'inference.folder', 'own'),
    'batch_size': Effect('3', 'inference.batch_size', 3),
    'visualization_threshold': Effect('0.6', 'inference.score_thr', 0.6),
    'num_select': Effect('50', 'inference.config.model.head.codec.num_select', 50),
    'use_pnp': Effect('false', 'inference.use_pnp', False),
    'save_json': Effect('false', 'inference.writer.save_json', False),
    'save_visualization': Effect('false', 'inference.writer.has_pictures', False),
    'opencv': Effect('false', 'inference.writer.frame', 'objectron'),
    'principle_point_x': Effect('310', 'inference.camera.2', 310.0, CAMERA),
    'principle_point_y': Effect('310', 'inference.camera.3', 310.0, CAMERA),
    'focal_length_x': Effect('610', 'inference.camera.0', 610.0, CAMERA),
    'focal_length_y': Effect('610', 'inference.camera.1', 610.0, CAMERA),
    'skew': Effect('3', 'inference.camera.4', 3.0, CAMERA),
    'axis_size': Effect('0.9', 'inference.writer.axis_length', 0.9),
}
EXPORT = {
    'results_dir': Effect('own', 'export.folder', 'own'),
    'gpu_id': Effect('2', 'gpus.export', [2]),
    'checkpoint': Effect('y.pth', 'export.files.0', 'y.pth'),
    'onnx_file': Effect('y.onnx', 'export.files.1', 'y.onnx'),
    'on_cpu': Effect('true', 'gpus.export', []),
    'input_channel': Refusal('1', 'colour images'),
    'input_width': Effect('256', 'export.config.test_dataloader.dataset.input_wh.0', 256),
    'input_height': Effect('256', 'export.config.test_dataloader.dataset.input_wh.1', 256),
    'opset_version': Effect('17', 'export.opset', 17),
    'batch_size': Effect('2', 'export.batch', 2),
    'verbose': Effect('true', 'is_verbose', True),
    'num_select': Effect('50', 'export.config.model.head.codec.num_select', 50),
    'do_constant_folding': Refusal('false', 'always folded'),
}
ENGINE = {
    'results_dir': Effect('own', 'engine.folder', 'own'),
    'gpu_id': Effect('2', 'gpus.gen_trt_engine', [2]),
    'onnx_file': Effect('y.onnx', 'engine.files.0', 'y.onnx'),
    'trt_engine': Effect('y.plan', 'engine.files.1', 'y.plan'),
    'timing_cache': Effect('t.bin', 'engine.timing_cache', Path('t.bin')),
    'input_channel': Refusal('1', 'colour images'),
    'input_width': Refusal('256', '512×512'),
    'input_height': Refusal('256', '512×512'),
    'batch_size': Effect('2', 'engine.batches', (2, 2, 2)),
    'verbose': Effect('true', 'engine.is_verbose', True),
    'tensorrt.workspace_size': Effect('512', 'engine.workspace_mib', 512),
    'tensorrt.min_batch_size': Effect('2', 'engine.batches', (2, 4, 8)),
    'tensorrt.opt_batch_size': Effect('2', 'engine.batches', (1, 2, 8)),
    'tensorrt.max_batch_size': Effect('4', 'engine.batches', (1, 4, 4)),
    'tensorrt.layers_precision': Effect(
        '["/a:b:fp32", "c:FP16", "d:int8", "*:int8"]', 'engine.keep_float', ('/a:b', 'c'), INT8
    ),
    'tensorrt.data_type': Effect('Fp16', 'engine.precision', 'fp16'),
    'tensorrt.flavor': Effect('rtx', 'engine.flavor', 'rtx'),
    'tensorrt.compute_capabilities': Effect('["89"]', 'engine.compute_capabilities', ('89',)),
    'tensorrt.calibration.cal_image_dir': Effect('[a, b]', 'engine.folders', ('a', 'b'), INT8),
    'tensorrt.calibration.cal_cache_file': Effect('c.bin', 'engine.cache', Path('c.bin')),
    'tensorrt.calibration.cal_batch_size': Effect('3', 'engine.batch_size', 3, INT8),
    'tensorrt.calibration.cal_batches': Effect('5', 'engine.num_batches', 5, INT8),
}
WANDB = {
    'enable': Effect('false', 'visualizer.vis_backends', NO_LOGIN),
    'project': Effect('p', f'{WITH_LOGIN}.project', 'p'),
    'entity': Effect('e', f'{WITH_LOGIN}.entity', 'e'),
    'group': Effect('g', f'{WITH_LOGIN}.group', 'g'),
    'tags': Effect('[a]', f'{WITH_LOGIN}.tags', ['a']),
    'reinit': Effect('true', f'{WITH_LOGIN}.reinit', True),
    'sync_tensorboard': Effect('true', f'{WITH_LOGIN}.sync_tensorboard', True),
    'save_code': Effect('true', f'{WITH_LOGIN}.save_code', True),
    'name': Effect('n', f'{WITH_LOGIN}.name', 'n'),
    'run_id': Effect('r1', f'{WITH_LOGIN}.id', 'r1'),
}
