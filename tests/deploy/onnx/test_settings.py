import pytest

from cpose.deploy.onnx.export import ExportSettings
from cpose.errors import ConfigError

from ...user_errors import raises

WRONG = {
    'width': ({'input_wh': (100, 64)}, '96'),
    'height': ({'input_wh': (64, 0)}, '32'),
    'opset': ({'opset': 15}, '16, 17, 18, 19, 20'),
    'batch': ({'batch': 0}, ''),
}


@pytest.mark.parametrize('case', WRONG)
def test_wrong_values(case):
    values, advice = WRONG[case]
    ((argument, value),) = values.items()
    with raises(ConfigError, argument=argument, value=value) as caught:
        ExportSettings(**{'input_wh': (512, 512), **values})
    assert advice in caught.value.advice[0]


def test_words_of_the_metadata():
    plain, other = ExportSettings((64, 64)), ExportSettings((64, 64), half=True, is_baked=True)
    assert (plain.input_encoding, plain.precision) == ('normalised', 'fp32')
    assert (other.input_encoding, other.precision) == ('rgb_0_1', 'fp16')
