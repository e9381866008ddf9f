import pytest

from cpose.tao.spec.errors import SpecOrigin
from cpose.tao.spec.required import choose_written, reconcile_gpus


@pytest.mark.parametrize(
    ('overridden', 'left'),
    [
        (set(), {'num_gpus': 2, 'gpu_ids': [0, 1], 'seed': 1}),
        ({'train.num_gpus'}, {'num_gpus': 2, 'seed': 1}),
        ({'train.gpu_ids'}, {'gpu_ids': [0, 1], 'seed': 1}),
        ({'train.gpu_ids', 'train.num_gpus'}, {'num_gpus': 2, 'gpu_ids': [0, 1], 'seed': 1}),
        ({'evaluate.num_gpus'}, {'num_gpus': 2, 'gpu_ids': [0, 1], 'seed': 1}),
    ],
)
def test_command_line_stands_alone(overridden, left):
    values = {'train': {'num_gpus': 2, 'gpu_ids': [0, 1], 'seed': 1}}
    choose_written(values, overridden)
    assert values == {'train': left}


def test_more_gpus_count():
    origin = SpecOrigin('s.yaml', given=frozenset({'train.num_gpus', 'train.gpu_ids'}))
    with pytest.warns(UserWarning, match=r'disagree, so the GPUs \[0, 1, 2\] are used'):
        assert reconcile_gpus('train', 3, [5], origin) == [0, 1, 2]
    assert reconcile_gpus('train', 2, [5, 6], origin) == [5, 6]
