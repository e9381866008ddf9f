import pytest

from cpose.datasets.annotations.annotation_table import PackedStrings


@pytest.mark.parametrize('strings', [[], ['a'], ['', 'x/ä€.png', '', 'z' * 300], ['\udcff.png']])
def test_round_trip(strings):
    packed = PackedStrings.pack(strings)
    assert len(packed) == len(strings)
    assert packed.tolist() == strings
    assert [packed[i] for i in range(len(packed))] == strings


def test_no_such_index():
    with pytest.raises(IndexError):
        PackedStrings.pack(['a', 'b'])[2]
