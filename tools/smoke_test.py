"""Use an installed ``cpose`` once from end to end, on tiny data: every step must succeed."""

import argparse
import json
import os
import pkgutil
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

TRAIN = [
    *('--cfg-options', 'model.backbone.pretrained=False'),
    *('train_dataloader.num_workers=0', 'train_dataloader.dataset.num_images=16'),
    *('val_dataloader.dataset.num_images=2', 'test_dataloader.dataset.num_images=2'),
    *('train_cfg.val_interval=1', 'randomness.seed=2'),
]
"""The seed is fixed because FP16 is checked against a limit of 0.05 σ, and networks that hardly
learned lie between 0.02 and 0.054 σ, with onnxruntime 1.20 and 1.32 alike."""
SPEC = """\
results_dir: results
dataset:
  {train_data: data, val_data: data, category: chair, batch_size: 2, workers: 0,
   input_res: 64, output_res: 16}
model: {head_conv: 32, use_convGRU: false, backbone: {model_type: DLA34}}
train: {num_epochs: 1, optim: {lr: 1.0e-4, lr_steps: [1]}}
automl: {max_recommendations: 2}
"""
STEPS = {
    'print a config': ['print-config', 'quickstart'],
    'draw images': ['synth', 'data', '--num', '4', '--size', '64', '64'],
    'train two steps': [
        'train',
        'quickstart',
        '--work-dir',
        'run',
        *TRAIN,
        'train_cfg.max_epochs=1',
    ],
    'resume for two more': [
        *('train', 'quickstart', '--work-dir', 'run', '--resume', *TRAIN, 'train_cfg.max_epochs=2'),
    ],
    'test': ['test', '-', 'run/epoch_2.pth', '--out', 'metrics.json'],
    'infer': ['infer', '-', 'run/epoch_2.pth', 'data', '--out', 'out', '--device', 'cpu'],
    'export opset 18': ['export-onnx', '-', 'run/epoch_2.pth', '--out', 'model.onnx'],
    'export opset 17, FP16': [
        *('export-onnx', '-', 'run/epoch_2.pth', '--out', 'half.onnx', '--opset', '17'),
        *('--half', '--simplify'),
    ],
    'run ONNX': ['infer', '-', 'model.onnx', 'data', '--out', 'out_onnx', '--device', 'cpu'],
    'quantize': ['quantize', 'model.onnx', '--out', 'int8.onnx', '--data', 'data'],
    'print a schema': ['tao', 'get-job-schema', '--action', 'train'],
    'search': ['tao', 'automl', '-e', 'spec.yaml'],
}
NEEDS_PYTHON = {'quantize': (3, 11)}
"""INT8 wants a newer onnxruntime than there is for Python 3.10."""


def import_everything() -> None:
    """Import every module of the package."""
    package = import_module('cpose')
    for module in pkgutil.walk_packages(package.__path__, 'cpose.'):
        import_module(module.name)


def run_step(name: str, words: list[str], folder: Path) -> None:
    """Run a command of ``cpose``; what it prints goes to a file, and to stderr if it fails.

    Raises:
        SystemExit: If it fails.
    """
    start = time.perf_counter()
    environment = {**os.environ, 'CPOSE_ENCRYPTION_KEY': 'smoke'} if name == 'search' else None
    command = [sys.executable, '-m', 'cpose.cli.main', *words]
    with open(folder / 'output.txt', 'wb') as output:
        done = subprocess.run(
            command, cwd=folder, stdout=output, stderr=output, env=environment, check=False
        )
    if done.returncode:
        printed = (folder / 'output.txt').read_text(encoding='utf-8', errors='replace')
        sys.stderr.write(f'{printed[-4000:]}\n{name}: exit code {done.returncode}\n')
        raise SystemExit(1)
    sys.stdout.write(f'{name}: {time.perf_counter() - start:.0f} s\n')
    sys.stdout.flush()


def main() -> None:
    """Run all steps in a new folder."""
    parser = argparse.ArgumentParser(description='Use cpose once from end to end.')
    parser.add_argument('folder', type=Path, help='new folder for what is written')
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True)
    import_everything()
    (folder / 'spec.yaml').write_text(SPEC, encoding='utf-8')
    for name, words in STEPS.items():
        if sys.version_info >= NEEDS_PYTHON.get(name, (3, 0)):
            run_step(name, words, folder)
    assert json.loads((folder / 'metrics.json').read_text(encoding='utf-8'))['num_images'] == 2
    assert len(list((folder / 'out_onnx/json').glob('*.json'))) == 4
    assert (folder / 'results/automl/best_spec.yaml').is_file()
    sys.stdout.write('All steps succeeded.\n')


if __name__ == '__main__':
    main()
