import pytest
import torch

from cpose.deploy.runtimes.base import Runtime
from cpose.errors import CheckpointError, ConfigError

from ...user_errors import raises
from ..small_models import small_metadata


class MeanRuntime(Runtime):
    """Return the mean of each image; remember what was run."""

    def __init__(self, batch_limits=(1, None), **changes):
        self.path = 'model.mean'
        self.metadata = small_metadata(**changes)
        self.batch_limits = batch_limits
        self.ran = []

    def run(self, inputs):
        self.ran.append(inputs)
        return {'scores': inputs.mean(dim=(1, 2, 3))[:, None, None]}

    def describe(self):
        return 'means'


def images(count, wh=(64, 64)):
    return torch.arange(1.0, count + 1)[:, None, None, None].expand(count, 3, wh[1], wh[0])


@pytest.mark.parametrize(
    ('limits', 'count', 'run'), [((1, None), 5, 5), ((1, 8), 8, 8), ((4, 8), 2, 4), ((4, 4), 4, 4)]
)
def test_small_batches_are_filled_up(limits, count, run):
    runtime = MeanRuntime(limits)
    scores = runtime(images(count))['scores']
    assert scores.flatten().tolist() == list(range(1, count + 1))
    assert runtime.ran[0].shape == (run, 3, 64, 64)
    assert runtime.ran[0].is_contiguous()
    assert not runtime.ran[0][count:].any()


@pytest.mark.parametrize(('limits', 'says'), [((1, 4), '1 to 4 images'), ((2, 2), '2 images')])
def test_large_batches_are_refused(limits, says):
    runtime = MeanRuntime(limits)
    with raises(ConfigError, says, argument='batch_size', value=5):
        runtime(images(5))
    assert not runtime.ran


@pytest.mark.parametrize('wrong', [torch.zeros(1, 1, 1), torch.zeros(())])
def test_outputs_for_another_number_of_images_are_refused(wrong):
    runtime = MeanRuntime()
    runtime.run = lambda inputs: {'scores': wrong}
    with raises(CheckpointError, 'scores', path='model.mean'):
        runtime(images(2))


def test_other_sizes_are_refused():
    runtime = MeanRuntime(input_wh=(64, 32))
    assert len(runtime(images(1, (64, 32)))['scores']) == 1
    with raises(ConfigError, '64×32', argument='input_wh', value=(32, 64)):
        runtime(images(1, (32, 64)))


def test_pixels():
    statistics = {'mean': (0.1, 0.2, 0.3), 'std': (0.4, 0.5, 0.6), 'channel_order': 'bgr'}
    assert MeanRuntime(**statistics).pixels == statistics
    baked = MeanRuntime(**statistics, input_encoding='rgb_0_1').pixels
    assert baked == {'mean': (0, 0, 0), 'std': (1, 1, 1), 'channel_order': 'rgb'}
