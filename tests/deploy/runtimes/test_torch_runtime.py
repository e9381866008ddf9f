import torch

from cpose.registry import RUNTIMES

from ..contract import OUTPUT_SIZES


def test_detections_of_a_network(model):
    runtime = RUNTIMES.build({'type': 'TorchRuntime', 'model': model})
    images = torch.randn(2, 3, 64, 64)
    found = runtime(images)
    expected = model.head.codec.decode(model(images))
    assert list(found) == list(OUTPUT_SIZES)
    for name, value in found.items():
        assert value.shape == (2, 100, OUTPUT_SIZES[name])
        assert torch.allclose(value, expected[name], atol=1e-6)
        assert not value.requires_grad
    assert (
        runtime.describe() == f'PyTorch {torch.__version__}, cpu, {torch.get_num_threads()} threads'
    )
