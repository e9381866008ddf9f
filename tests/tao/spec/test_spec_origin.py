from cpose.tao.spec.errors import SpecOrigin

ORIGIN = SpecOrigin(
    's.yaml', {'train': 1, 'train.seed': 2}, frozenset({'a.b'}), frozenset({'a.b', 'train.seed'})
)


def test_place_is_that_of_the_nearest_section():
    assert ORIGIN.place('train.seed') == 'Spec s.yaml, line 2'
    assert ORIGIN.place('train.gpu_ids.1') == 'Spec s.yaml, line 1'
    assert ORIGIN.place('model.x') == 'Spec s.yaml'
    assert ORIGIN.place('a.b.0') == 'Command line'


def test_gives():
    assert ORIGIN.gives('a')
    assert ORIGIN.gives('a.b')
    assert not ORIGIN.gives('train.se')
