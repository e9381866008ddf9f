from cpose.apis.inference.image_sources import OutputNames


def test_free_names_are_kept():
    names = OutputNames()
    assert [names.claim(name, '.png') for name in ('a', 'b/a', 'b/c')] == ['a', 'b/a', 'b/c']


def test_no_name_is_given_twice():
    names = OutputNames()
    claims = [('a', '.jpg'), ('a', '.png'), ('A', '.PNG'), ('a', '.png'), ('a', ''), ('a_png', '')]
    given = [names.claim(*claim) for claim in claims]
    assert given[:3] == ['a', 'a_png', 'A_2']
    assert len({name.casefold() for name in given}) == len(claims)
