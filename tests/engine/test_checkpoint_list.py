import pytest
from mmengine.logging import MessageHub

from cpose.engine.checkpoint_list import CheckpointList


@pytest.fixture
def files(request):
    return CheckpointList(MessageHub(request.node.name))


@pytest.mark.parametrize(
    ('names', 'keep', 'outdated'),
    [
        ((), 2, []),
        (('epoch_1', 'epoch_2'), 2, []),
        (('epoch_1', 'epoch_2', 'epoch_3'), 2, ['epoch_1']),
        (('epoch_1', 'epoch_2', 'epoch_3'), -1, []),
        (('epoch_1', 'iter_5'), 1, []),
        (('epoch_1', 'iter_5', 'iter_7'), 1, ['iter_5']),
        (('epoch_1', 'iter_5', 'epoch_2'), 1, ['iter_5', 'epoch_1']),
        (('iter_5', 'epoch_1'), -1, ['iter_5']),
    ],
)
def test_outdated(files, names, keep, outdated):
    for name in names:
        files.add(name)
    assert files.outdated(keep) == outdated


def test_added_again_becomes_the_newest(files):
    for name in ('a', 'b', 'a'):
        files.add(name)
    assert files.names == ['b', 'a']
    files.discard('b')
    assert 'b' not in files
    assert 'a' in files
    files.clear()
    assert files.names == []
