from argparse import ArgumentTypeError

import pytest

from cpose.cli.arguments import positive_int, probability


def test_numbers_are_parsed():
    assert positive_int('3') == 3
    assert probability('0.25') == 0.25


@pytest.mark.parametrize(
    ('parse', 'text'),
    [(positive_int, '0'), (positive_int, 'x'), (probability, '1.5'), (probability, '')],
)
def test_others_are_refused(parse, text):
    with pytest.raises(ArgumentTypeError, match='is not a'):
        parse(text)
