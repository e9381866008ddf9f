import io
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

from cpose.checkpoints.training_state import HISTORY_LENGTH, from_plain, plain_items, to_plain


def through_file(value):
    file = io.BytesIO()
    torch.save(to_plain(value), file)
    file.seek(0)
    return from_plain(torch.load(file, weights_only=True))


@pytest.mark.parametrize(
    'value',
    [None, True, 3, 2.5, 'text', [1, (2, 'b')], {'a': {1: (0.9, 0.999)}}, Counter([90, 120, 90])],
    ids=str,
)
def test_round_trip(value):
    result = through_file(value)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize('dtype', [np.uint8, np.int64, np.float32, np.float64])
def test_arrays_keep_type_and_values(dtype):
    array = np.arange(6, dtype=dtype).reshape(2, 3).T
    result = through_file(array)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, array)


def test_history_keeps_its_statistics():
    buffer = HistoryBuffer([1.0, 2.0, 6.0], [1, 1, 2])
    result = through_file({'loss': buffer})['loss']
    assert result.mean() == buffer.mean() == 9 / 4
    assert result.current() == 6.0
    result.update(1.0)
    assert len(result.data[0]) == 4


def test_integers_in_history_stay_integers():
    assert isinstance(through_file(HistoryBuffer([6], [1])).current().item(), int)


def test_old_history_is_left_out():
    count = HISTORY_LENGTH + 5
    result = from_plain(to_plain(HistoryBuffer(range(count), [1] * count)))
    assert len(result.data[0]) == HISTORY_LENGTH
    assert result.current() == count - 1


def test_other_types_become_primitives():
    plain = to_plain(
        OrderedDict(number=np.float64(1.5), path=Path('a/b'), config=ConfigDict(type='X'))
    )
    assert plain == {'number': 1.5, 'path': 'a/b', 'config': {'type': 'X'}}
    assert [type(item) for item in plain.values()] == [float, str, dict]


def test_parameters_become_plain_tensors():
    plain = to_plain(torch.nn.Parameter(torch.ones(2)))
    assert type(plain) is torch.Tensor
    assert not plain.requires_grad


def test_objects_have_no_plain_form():
    with pytest.raises(TypeError, match=r'builtins\.object'):
        to_plain({'a': object()})
    assert plain_items({'a': object(), 'b': 1}) == {'b': 1}
