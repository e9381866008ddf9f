"""Specs for tests: those of TAO's documentation, and tiny ones that run in seconds."""

from pathlib import Path

import yaml

from cpose.tao.spec.spec_file import load_spec

TRAIN_EXAMPLE = """
results_dir: RESULTS
dataset:
  train_data: TRAIN
  val_data: VAL
  num_classes: 1
  batch_size: 64
  workers: 4
  category: bike
  num_symmetry: 1
  max_objs: 10
train:
  num_gpus: 1
  gpu_ids: [0]
  checkpoint_interval: 5
  validation_interval: 5
  num_epochs: 10
  clip_grad_val: 100.0
  seed: 1234
  resume_training_checkpoint_path: null
  precision: "fp32"
  optim:
    lr: 6e-05
    lr_steps: [90, 120]
model:
  down_ratio: 4
  use_pretrained: True
  backbone:
    model_type: fan_small
    pretrained_backbone_path: WEIGHTS
evaluate:
  checkpoint: ???
  opencv: False
  eval_num_symmetry: 1
inference:
  checkpoint: ???
  visualization_threshold: 0.3
  principle_point_x: 300.7
  principle_point_y: 392.8
  focal_length_x: 615.0
  focal_length_y: 615.0
  skew: 0.0
  use_pnp: True
  save_json: True
  save_visualization: True
  opencv: True
export:
  gpu_id: 0
  checkpoint: ???
  onnx_file: ???
  input_channel: 3
  input_width: 512
  input_height: 512
  opset_version: 16
  do_constant_folding: True
"""
"""Values of the examples in the documentation of TAO, in one file."""

MINIMAL = {
    'results_dir': 'results',
    'dataset': {'train_data': 'a', 'val_data': 'b', 'test_data': 'c', 'inference_data': 'd'},
    'evaluate': {'checkpoint': 'x.pth'},
    'inference': {'checkpoint': 'x.pth'},
    'export': {'checkpoint': 'x.pth', 'onnx_file': 'x.onnx'},
    'gen_trt_engine': {'onnx_file': 'x.onnx', 'trt_engine': 'x.engine'},
}


def write_spec(folder, values=None, name='spec.yaml'):
    """Write a spec and return its path."""
    path = Path(folder) / name
    path.write_text(values if isinstance(values, str) else yaml.safe_dump(values or MINIMAL))
    return path


def make_spec(folder, *words, task=None, values=None):
    """Return a checked spec with overrides."""
    return load_spec(write_spec(folder, values), words, task)
