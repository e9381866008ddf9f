import numpy as np
import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.data_preprocessor import PoseDataPreprocessor, TrackPreprocessor
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.structures.previous_frame import PreviousFrame

from ..user_errors import raises

MEAN, STD = (0.4, 0.45, 0.5), (0.3, 0.25, 0.2)


def make_preprocessor(**changes):
    settings = {'mean': MEAN, 'std': STD, 'channel_order': 'bgr', 'size_divisor': 32}
    return PoseDataPreprocessor(**(settings | changes))


def random_image(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)


def normalised(image, order=slice(None)):
    pixels = image.numpy()[order].astype(np.float64) / 255
    return (pixels - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))


def test_normalises_a_list_and_passes_the_rest_on():
    images = [random_image(32, 64, seed) for seed in range(2)]
    samples = [object(), object()]
    data = {'inputs': images, 'data_samples': samples}
    prepared = make_preprocessor()(data)
    assert prepared['inputs'].shape == (2, 3, 32, 64)
    assert prepared['inputs'].dtype == torch.float32
    for image, result in zip(images, prepared['inputs'], strict=True):
        np.testing.assert_allclose(result.numpy(), normalised(image), atol=1e-6)
    assert prepared['data_samples'] is samples
    assert data['inputs'] is images


def test_rgb_order():
    image = random_image(32, 32)
    prepared = make_preprocessor(channel_order='rgb')({'inputs': image[None]})
    expected = normalised(image, order=slice(None, None, -1))
    np.testing.assert_allclose(prepared['inputs'][0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32, torch.float64])
def test_stacked_tensors(dtype):
    image = random_image(32, 32)
    prepared = make_preprocessor()({'inputs': image[None].to(dtype)})
    np.testing.assert_allclose(prepared['inputs'][0].numpy(), normalised(image), atol=1e-6)


def test_black_is_added_at_the_right_and_below_before_normalisation():
    images = [random_image(30, 40), random_image(50, 20)]
    prepared = make_preprocessor(size_divisor=16)({'inputs': images})
    assert prepared['inputs'].shape == (2, 3, 64, 48)
    black = normalised(torch.zeros(3, 1, 1, dtype=torch.uint8))
    for image, result in zip(images, prepared['inputs'].numpy(), strict=True):
        height, width = image.shape[1:]
        np.testing.assert_allclose(result[:, :height, :width], normalised(image), atol=1e-6)
        np.testing.assert_allclose(
            result[:, height:], np.broadcast_to(black, result[:, height:].shape)
        )
        np.testing.assert_allclose(
            result[:, :, width:], np.broadcast_to(black, result[:, :, width:].shape)
        )


def test_nothing_goes_into_the_checkpoint():
    assert not make_preprocessor().state_dict()


@pytest.mark.parametrize('shape', [(1, 32, 32), (32, 32), (4, 32, 32)])
def test_wrong_shape(shape):
    with pytest.raises(ValueError, match=r'expected \(3, h, w\)'):
        make_preprocessor()({'inputs': [torch.zeros(shape)]})


@pytest.mark.parametrize(
    ('options', 'value', 'problem'),
    [
        ({'channel_order': 'rbg'}, 'rbg', ''),
        ({'mean': (0.5,)}, [0.5], 'three'),
        ({'std': (0.1, 0.0, 0.1)}, [0.1, 0.0, 0.1], 'above 0'),
        ({'size_divisor': 0}, 0, 'at least 1'),
    ],
)
def test_wrong_options(options, value, problem):
    with raises(ConfigError, problem, argument=next(iter(options)), value=value):
        make_preprocessor(**options)


def track_preprocessor():
    return TrackPreprocessor(mean=MEAN, std=STD, channel_order='bgr', size_divisor=32)


def test_the_frame_before_stands_behind_the_image():
    now, before = random_image(32, 40), random_image(32, 40, seed=1)
    peaks = PreviousFrame(
        planes=np.array([0, 8]),
        peaks_input=np.array([[7.6, 5.0], [20.0, 30.0]]),
        radii=np.array([3, 2]),
        heights=np.array([0.5, 0.25]),
    )
    sample = PoseDataSample('name', (40, 32), (40, 32), np.eye(2, 3), previous=peaks)
    data = {'inputs': [torch.cat([now, before])], 'data_samples': [sample]}
    inputs = track_preprocessor()(data)['inputs']
    assert inputs.shape == (1, 15, 32, 64)
    np.testing.assert_allclose(inputs[0, :3, :, :40], normalised(now), atol=1e-6)
    np.testing.assert_allclose(inputs[0, 3:6, :, :40], normalised(before), atol=1e-6)
    assert inputs[0, 6].max() == inputs[0, 6, 5, 7] == 0.5
    assert inputs[0, 14].max() == inputs[0, 14, 30, 20] == 0.25
    assert not inputs[0, 7:14].any()


def test_an_image_alone_is_its_own_frame_before():
    inputs = track_preprocessor()({'inputs': [random_image(32, 32)]})['inputs']
    assert torch.equal(inputs[:, :3], inputs[:, 3:6])
    assert not inputs[:, 6:].any()
