import pytest

from cpose.deploy.onnx.settings import ExportSettings
from cpose.errors import ConfigError

WRONG = {
    'width': ({'input_wh': (100, 64)}, r'--width 100 is not a multiple of 32.* Use 96\.'),
    'height': ({'input_wh': (64, 0)}, r'--height 0 is not a multiple of 32.* Use 32\.'),
    'opset': ({'opset': 15}, r'--opset 15 is not supported\. Use one of 16, 17, 18, 19, 20'),
    'batch': ({'batch': 0}, '--batch 0 is not a number of images'),
}


@pytest.mark.parametrize('case', WRONG)
def test_wrong_values(case):
    values, says = WRONG[case]
    with pytest.raises(ConfigError, match=says):
        ExportSettings(**{'input_wh': (512, 512), **values})


def test_words_of_the_metadata():
    plain, other = ExportSettings((64, 64)), ExportSettings((64, 64), half=True, is_baked=True)
    assert (plain.input_encoding, plain.precision) == ('normalised', 'fp32')
    assert (other.input_encoding, other.precision) == ('rgb_0_1', 'fp16')
