from types import SimpleNamespace

import pytest

from cpose.deploy.quantization.sensitivity import choose_float_nodes, group_activations

ERRORS = {'a': 0.02, 'b': 0.30, 'c': 0.01, 'd': 0.10, 'e': 0.05}
GROUPS = [['a'], ['b', 'b_relu'], ['c'], ['d'], ['e']]


class Network:
    """Stand in for a network: its error is the sum of those of the quantised nodes."""

    def __init__(self):
        self.count = 0

    def quantize(self, keep, only):
        self.count += 1
        return set(only or ERRORS) - set(keep)

    @staticmethod
    def measure(quantized):
        return sum(ERRORS.get(name, 0) for name in quantized)


@pytest.mark.parametrize(
    ('bound', 'expected'),
    [
        (0.5, ()),
        (0.2, ('b', 'b_relu')),
        (0.09, ('b', 'b_relu', 'd')),
        (0.015, ('b', 'b_relu', 'd', 'e', 'a')),
        (0.001, ('b', 'b_relu', 'd', 'e', 'a', 'c')),
    ],
)
def test_the_worst_stay_in_float_and_no_more_than_needed(bound, expected):
    network = Network()
    choice = choose_float_nodes(network.quantize, network.measure, GROUPS, bound)
    assert choice.nodes == expected
    rest = [name for name in ERRORS if name not in expected]
    assert choice.error == pytest.approx(network.measure(rest))


def test_the_ranking_is_told_and_made_only_if_needed():
    network = Network()
    choice = choose_float_nodes(network.quantize, network.measure, GROUPS, 0.2)
    assert [group for group, _ in choice.ranking][:2] == [('b', 'b_relu'), ('d',)]
    network = Network()
    assert choose_float_nodes(network.quantize, network.measure, GROUPS, 1.0).ranking == ()
    assert network.count == 1


def node(name, kind, source, result):
    return SimpleNamespace(name=name, op_type=kind, input=[source], output=[result])


def test_an_activation_goes_with_what_it_follows():
    nodes = [
        node('conv', 'Conv', 'x', 'y'),
        node('relu', 'Relu', 'y', 'z'),
        node('pool', 'MaxPool', 'z', 'p'),
        node('up', 'ConvTranspose', 'p', 'u'),
        node('alone', 'Relu', 'u', 'v'),
    ]
    model = SimpleNamespace(graph=SimpleNamespace(node=nodes))
    groups = group_activations(model, ['conv', 'relu', 'pool', 'alone'])
    assert groups == [['conv', 'relu'], ['pool'], ['alone']]
