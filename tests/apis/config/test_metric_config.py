import pytest
from mmengine.config import Config

from cpose.apis.config.evaluation_parts import find_metric_config
from cpose.errors import ConfigError
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.registry import METRICS

from ...user_errors import raises

OTHER = {'type': 'DumpResults', 'out_file_path': 'a.pkl'}


@pytest.fixture
def own_metric():
    """Register a metric that is derived from ours, under a name of its own."""
    METRICS.register_module('StricterPoses', module=type('StricterPoses', (ObjectronMetric,), {}))
    yield 'StricterPoses'
    METRICS.module_dict.pop('StricterPoses')


@pytest.mark.parametrize('name', ['ObjectronMetric', 'cpose.ObjectronMetric'])
def test_alone_and_among_others(name):
    item = {'type': name, 'dump_file': 'x.json'}
    for evaluator in (item, [OTHER, item]):
        found = find_metric_config(Config({'test_evaluator': evaluator}), '')
        assert found.dump_file == 'x.json'


def test_the_found_part_belongs_to_the_config():
    config = Config({'test_evaluator': [OTHER, {'type': 'ObjectronMetric'}]})
    find_metric_config(config, '').dump_file = 'y.json'
    assert config.test_evaluator[1].dump_file == 'y.json'


def test_derived_metrics_count(own_metric):
    config = Config({'test_evaluator': {'type': own_metric}})
    assert find_metric_config(config, '').type == own_metric


@pytest.mark.parametrize('evaluator', [None, [], OTHER, {'type': 'NotObjectronMetric'}])
def test_none(evaluator):
    with raises(ConfigError, key='test_evaluator') as caught:
        find_metric_config(Config({'test_evaluator': evaluator}), 'Leave out {dump}')
    assert 'leave out dump' in str(caught.value)
