"""How an input is spoilt: its bytes, or the values of a tree."""

import copy

import numpy as np

HUGE = 1e300
ODD_VALUES = (
    *(None, True, False, '', 'x', 'NaN', '../../etc/passwd', '\x00', '💥', 'a' * 5000),
    *(0, -1, 1, 2**31, 2**63, 10**400, 0.5, -1e-300, 1e300, 1e-12),
    *(float('nan'), float('inf'), float('-inf')),
    *([], {}, [[]], [None], [0] * 3, [[0.0] * 3] * 3, {'type': 'os.system'}),
)


def spoil_bytes(rng: np.random.Generator, content: bytes) -> bytes:
    """Return the content with some bytes flipped, cut off, repeated, put in or exchanged."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        place = int(rng.integers(len(data)))
        length = int(rng.integers(1, 1 + min(64, len(data))))
        kind = rng.choice(['bit', 'bit', 'bit', 'byte', 'cut', 'insert', 'repeat', 'zero', 'drop'])
        if kind == 'bit':
            data[place] ^= 1 << int(rng.integers(8))
        elif kind == 'byte':
            data[place] = int(rng.integers(256))
        elif kind == 'cut':
            del data[place:]
        elif kind == 'insert':
            data[place:place] = rng.bytes(length)
        elif kind == 'repeat':
            data[place:place] = data[place : place + length]
        elif kind == 'zero':
            data[place : place + length] = bytes(min(length, len(data) - place))
        else:
            del data[place : place + length]
    return bytes(data)


def spoil_tree(rng: np.random.Generator, tree):
    """Return a copy of nested dicts and lists in which some nodes are odd, missing or moved."""
    spoilt = copy.deepcopy(tree)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(spoilt))
        if not places:
            return ODD_VALUES[int(rng.integers(len(ODD_VALUES)))]
        parent, key = places[int(rng.integers(len(places)))]
        _spoil_place(rng, parent, key, places)
    return spoilt


def _spoil_place(rng: np.random.Generator, parent, key, places) -> None:
    kind = rng.choice(['odd', 'odd', 'odd', 'delete', 'scale', 'copy', 'rename', 'nest'])
    value = parent[key]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == 'delete':
        del parent[key]
    elif kind == 'scale' and is_number and abs(value) < HUGE:
        parent[key] = value * float(rng.choice([-1, 0, 100, 1e9, 1e-9]))
    elif kind == 'copy':
        other, name = places[int(rng.integers(len(places)))]
        parent[key] = copy.deepcopy(other[name])
    elif kind == 'rename' and isinstance(parent, dict):
        parent[f'{key}_'] = parent.pop(key)
    elif kind == 'nest':
        parent[key] = [value, value]
    else:
        parent[key] = copy.deepcopy(ODD_VALUES[int(rng.integers(len(ODD_VALUES)))])


def _places(node):
    """Yield every (container, key) of a tree."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)
