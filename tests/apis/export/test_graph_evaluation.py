import pytest
from mmengine.config import Config

from cpose.apis.config.load import load_config
from cpose.apis.export.quantization import build_test_data, evaluate_graph
from cpose.errors import ConfigError, DataError

from ...deploy.small_models import CONFIG, small_model
from ...user_errors import raises


@pytest.mark.slow
@pytest.mark.parametrize('batch', [None, 3])
def test_the_report_is_of_the_first_images(batch):
    config = load_config(CONFIG)
    dataset = build_test_data(config)
    report = evaluate_graph(*small_model(batch), config, dataset, 4)
    assert report['num_images'] == 4
    assert 0 <= report['AP50_3DIoU'] <= 1
    assert evaluate_graph(*small_model(batch), config, dataset, 99)['num_images'] == 8


def test_test_data_must_be_there(tmp_path):
    with raises(ConfigError, 'test_dataloader'):
        build_test_data(Config({'model': CONFIG['model']}))
    missing = {'type': 'CenterPoseDataset', 'data_root': str(tmp_path / 'nowhere'), 'pipeline': []}
    with raises(DataError, 'nowhere'):
        build_test_data(Config({**CONFIG, 'test_dataloader': {'dataset': missing}}))


def test_the_metric_must_be_known():
    config = Config({**CONFIG, 'test_evaluator': [{'type': 'SomeMetric'}]})
    with raises(ConfigError, key='test_evaluator'):
        evaluate_graph(*small_model(), config, build_test_data(config), 1)
