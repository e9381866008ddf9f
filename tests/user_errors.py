"""Expect an error of the user by its fields; all wording stands in `messages.snapshot.txt`."""

from contextlib import contextmanager

import pytest


@contextmanager
def raises(kind, problem='', *, key=None, path=None, field=None, spec_key=None, where='', **fields):
    """Expect an error.

    Args:
        kind: Its class.
        problem: What its problem must contain, a fact rather than words: a name, a number.
        key: Key of the config that its place must name.
        path: File that its place must name.
        field: Field of the file that its place must name.
        spec_key: Key of a spec that its place must name.
        where: Part of the place in the spec, for example 'line 3' or 'Command line'.
        fields: Other attributes that it must have, for example ``argument`` and ``value``.
    """
    with pytest.raises(kind) as caught:
        yield caught
    error = caught.value
    assert problem in error.problem
    for name, expected in fields.items():
        assert getattr(error, name) == expected, name
    if key is not None:
        assert key in error.place.keys
    if path is not None:
        assert str(error.place.path) == str(path)
    if field is not None:
        assert error.place.field == field
    if spec_key is not None:
        assert error.place.key == spec_key
    if where:
        assert where in error.place.where
