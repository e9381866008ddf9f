"""INT8 keeps the average precision of a network that has learned something."""

import onnx
import pytest
import torch
from mmengine.registry import DefaultScope

from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config
from cpose.apis.export.model_export import make_metadata
from cpose.apis.export.quantization import CalibrationSource, quantize_file
from cpose.deploy.onnx.export import ExportSettings, make_onnx
from cpose.deploy.quantization.quantize import QuantizationSettings
from cpose.registry import DATASETS

NUM_IMAGES = 8
STEPS = 120
LEARNING_RATE = 5e-3
LOSS_ALLOWED = 0.02
PICTURES = {'num_images': NUM_IMAGES, 'seed': 7, 'image_wh': (64, 64), 'input_wh': (64, 64)}


def quickstart_in_small():
    """Return the config of the quickstart with few weights, and few pictures to learn and test."""
    config = load_config('centerpose/quickstart')
    config.model.backbone = {'type': 'TimmBackbone', 'name': 'test_resnet', 'pretrained': False}
    config.model.neck.update(out_stride=4, out_channels=32)
    config.model.head.head_conv = 32
    data = config.train_dataloader.dataset
    steps = [step for step in data.pipeline if step.type != 'CenterNetColorJitter']
    data.update(**PICTURES, fresh_each_epoch=False, pipeline=steps)
    config.test_dataloader.dataset.update(PICTURES)
    return config


def learn(config):
    """Return the network of a config that knows its pictures by heart."""
    torch.manual_seed(0)
    model = build_model(config).train()
    with DefaultScope.overwrite_default_scope('cpose'):
        dataset = DATASETS.build(config.train_dataloader.dataset)
    items = [dataset[index] for index in range(NUM_IMAGES)]
    batch = model.data_preprocessor({key: [item[key] for item in items] for key in items[0]})
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)
    for _ in range(STEPS):
        loss, _ = model.parse_losses(model(**batch, mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@pytest.fixture(scope='module')
def model_file(tmp_path_factory):
    config = quickstart_in_small()
    model, settings = learn(config), ExportSettings((64, 64), opset=17)
    path = tmp_path_factory.mktemp('learned') / 'learned.onnx'
    onnx.save(make_onnx(model, settings, make_metadata(config, model, settings)), str(path))
    return path


@pytest.mark.slow
@pytest.mark.parametrize('target', ['ort', 'tensorrt'])
def test_int8_costs_little(model_file, tmp_path, target):
    settings = QuantizationSettings(target)
    out = tmp_path / 'int8.onnx'
    result = quantize_file(model_file, out, settings, CalibrationSource(), NUM_IMAGES)
    assert result.before['AP50_3DIoU'] == 1
    for metric in ('AP50_3DIoU', 'mean_3DIoU'):
        assert result.after[metric] > result.before[metric] - LOSS_ALLOWED, metric
