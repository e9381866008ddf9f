"""Pictures that are the same, or nearly: by their bytes, and by a hash of what they show.

The hash tells for 16 by 16 places whether the picture becomes brighter to the right. Measured on
photographs: another size, compression or brightness changes up to 20 of its 256 bits, frames of a
video at 0.4 s differ in 15 to 60, pictures of other places in 60 and more. Pictures of different
things on a white ground differ in few bits too, but in a third and more of those that are set.
"""

import hashlib
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from cpose.files.text_files import read_bytes

HASH_SIDE = 16
HASH_BYTES = HASH_SIDE * HASH_SIDE // 8
MOST_BITS = 20
"""In which the hashes of two pictures differ that show nearly the same."""
MOST_SHARE = 0.2
"""Of the bits that are set in one of the two, in which they differ."""
LEAST_SET = 8
"""Bits of a hash that tells something; an empty picture has none."""
BLOCK = 2048
"""Hashes that are compared with all others at once, which bounds the memory."""


def digest_file(path: str, most_bytes: int) -> str:
    """Return what only files of the same bytes have in common.

    Raises:
        DataError: If it cannot be read.
    """
    return hashlib.blake2b(read_bytes(path, most_bytes), digest_size=16).hexdigest()


def hash_picture(image: np.ndarray) -> bytes:
    """Return the hash of a picture, 32 bytes.

    Args:
        image: (H, W, 3) uint8 BGR.
    """
    small = cv2.resize(image, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes()


def find_similar(hashes: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Yield pairs of numbers of similar pictures, the first one of equal hashes for all of them.

    Args:
        hashes: One of `hash_picture` each.
    """
    if not hashes:
        return
    table = np.frombuffer(b''.join(hashes), dtype=np.uint8).reshape(-1, HASH_BYTES)
    unique, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
    is_told = np.unpackbits(unique, axis=1).sum(axis=1) >= LEAST_SET
    for number, row in enumerate(inverse.reshape(-1).tolist()):
        if first[row] != number and is_told[row]:
            yield int(first[row]), number
    bits = np.unpackbits(unique, axis=1).astype(np.float32)
    counts = bits.sum(axis=1)
    for start in range(0, len(bits), BLOCK):
        shared = bits[start : start + BLOCK] @ bits[start:].T
        total = counts[start : start + BLOCK, None] + counts[start:]
        differing = total - 2 * shared
        limit = np.minimum(MOST_BITS, MOST_SHARE * (total - shared))
        for row, is_near in enumerate((differing <= limit) & (total >= 2 * LEAST_SET)):
            for column in (row + 1 + np.flatnonzero(is_near[row + 1 :])).tolist():
                yield int(first[start + row]), int(first[start + column])


def join_groups(count: int, pairs: Iterator[tuple[int, int]]) -> np.ndarray:
    """Return the number of the group of each item (count,), by pairs that belong together."""
    parent = list(range(count))

    def find(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs:
        low, high = sorted((find(first), find(second)))
        parent[high] = low
    return np.array([find(item) for item in range(count)], dtype=np.int64)
