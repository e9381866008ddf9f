from cpose.deploy.quantization.calibration_ranges import find_recipe
from cpose.errors import ConfigError

from ...user_errors import raises


def test_each_runtime_has_its_recipe():
    assert find_recipe('ort').activation_type == 'QUInt8'
    tensorrt = find_recipe('tensorrt')
    assert tensorrt.activation_type == 'QInt8'
    assert tensorrt.options['ActivationSymmetric']
    assert not tensorrt.options['QuantizeBias']


def test_others_are_refused():
    with raises(ConfigError, argument='target', value='openvino'):
        find_recipe('openvino')
