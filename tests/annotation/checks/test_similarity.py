import cv2
import numpy as np

from cpose.annotation.checks.similarity import find_similar, hash_picture, join_groups

from ..planted import encode, make_picture


def changed_pictures(image):
    """Return an image in another size, compression and brightness."""
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    coarse = cv2.imdecode(np.frombuffer(encode(image), np.uint8), cv2.IMREAD_COLOR)
    bright = np.clip(image * 1.1 + 5, 0, 255).astype(np.uint8)
    return [small, coarse, bright]


def test_changed_pictures_are_similar_and_others_are_not():
    pictures = [make_picture(seed) for seed in range(20)]
    pictures += changed_pictures(pictures[4])
    pairs = set(find_similar([hash_picture(item) for item in pictures]))
    groups = join_groups(len(pictures), iter(pairs))
    assert groups.tolist() == [*range(20), 4, 4, 4]


def test_things_on_a_white_ground_are_not_similar():
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(12):
        image = np.full((480, 640, 3), 255, np.uint8)
        center, size = rng.integers((200, 150), (440, 330)), rng.integers(40, 90)
        points = (center + rng.normal(size=(6, 2)) * size).astype(np.int32)
        cv2.fillConvexPoly(image, cv2.convexHull(points), (30, 60, 90))
        pictures.append(image)
    assert list(find_similar([hash_picture(item) for item in pictures])) == []


def test_empty_pictures_tell_nothing():
    flat = [np.full((48, 64, 3), level, np.uint8) for level in (0, 0, 128, 255)]
    assert list(find_similar([hash_picture(item) for item in flat])) == []
    assert list(find_similar([])) == []


def test_pairs_across_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (60, 256), dtype=np.uint8)
    bits[50] = bits[3]
    bits[50, :15] ^= 1
    bits[51] = bits[3]
    bits[51, :60] ^= 1
    hashes = [row.tobytes() for row in np.packbits(bits, axis=1)]
    monkeypatch.setattr('cpose.annotation.checks.similarity.BLOCK', 7)
    assert [tuple(sorted(pair)) for pair in find_similar(hashes)] == [(3, 50)]


def test_groups_are_joined_through_others():
    pairs = iter([(0, 3), (5, 4), (3, 5)])
    assert join_groups(7, pairs).tolist() == [0, 1, 2, 0, 0, 0, 6]
