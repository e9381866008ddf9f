"""The examples of TAO's documentation with tiny images and a tiny network, in a folder."""

import json
import tarfile

import torch

from cpose.cli.main import main
from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.models.backbones.fan import FAN, FANArch
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.tasks.run import run_task

from .specs import TRAIN_EXAMPLE

NUM_IMAGES = 4
TINY_FAN = FANArch(stem_blocks=(1, 1), channels=64, num_blocks=2, num_heads=8, middle_block=2)
"""Stands for FAN small, whose own sizes only take longer."""
TINY = (
    *(
        'train.num_epochs=2',
        'dataset.batch_size=2',
        'dataset.workers=0',
        'dataset.pin_memory=false',
    ),
    *('dataset.input_res=64', 'dataset.output_res=16', 'export.input_width=64'),
    *('export.input_height=64', 'wandb.enable=false', 'model.head_conv=32'),
)
TRT = 'gen_trt_engine.tensorrt'
RTX = (
    *('gen_trt_engine.tensorrt.flavor=rtx', 'gen_trt_engine.tensorrt.compute_capabilities=["89"]'),
    'gen_trt_engine.tensorrt.max_batch_size=4',
)


def make_example(folder):
    """Write images of a bike as a folder and an archive, weights of a backbone, and the spec."""
    data = folder / 'data'
    assert main(['synth', str(data), '--num', str(NUM_IMAGES), '--size', '96', '128']) == 0
    for file in data.glob('*.json'):
        content = json.loads(file.read_text())
        for item in content['objects']:
            del item['symmetric']
        file.write_text(json.dumps(content))
    with tarfile.open(folder / 'val.tar.gz', 'w:gz') as archive:
        archive.add(data, 'val')
    weights = {f'backbone.{key}': value for key, value in FAN('small', 0.3).state_dict().items()}
    torch.save(weights, folder / 'weights.pth')
    places = {
        'RESULTS': folder / 'results',
        'TRAIN': data,
        'VAL': folder / 'val.tar.gz',
        'WEIGHTS': folder / 'weights.pth',
    }
    text = TRAIN_EXAMPLE
    for name, place in places.items():
        text = text.replace(name, str(place))
    (folder / 'spec.yaml').write_text(text)


def spec_of(folder, task, *words):
    data = [f'dataset.test_data={folder}/data', f'dataset.inference_data={folder}/data']
    files = [
        f'{name}.checkpoint={folder}/results/train/{LATEST}'
        for name in ('evaluate', 'inference', 'export')
    ]
    files += [
        f'export.onnx_file={folder}/model.onnx',
        f'gen_trt_engine.onnx_file={folder}/model.onnx',
    ]
    files += [f'gen_trt_engine.trt_engine={folder}/model.engine']
    return load_spec(folder / 'spec.yaml', [*TINY, *data, *files, *words], task)


def run(folder, task, *words):
    return run_task(task, spec_of(folder, task, *words))
