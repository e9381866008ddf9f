"""Hold out pictures of whole scenes: pictures of one scene are alike, and would flatter a model.

A scene is what `find_source` calls a video: pictures of one folder whose names differ in their last
number only. Pictures that look nearly the same are of one scene too.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from cpose.annotation.checks.similarity import find_similar, join_groups
from cpose.annotation.checks.sources import find_source

MOST_HELD_OUT = 0.5
"""Share of the pictures; more are held out of no scene."""


def find_scenes(paths: Sequence[str], hashes: Sequence[bytes]) -> list[int]:
    """Return the number of the scene of each picture.

    Args:
        paths: Relative to the folder of the pictures, with sub-folders.
        hashes: One of `hash_picture` each.
    """

    def pairs() -> Iterator[tuple[int, int]]:
        yield from find_similar(hashes)
        first: dict[str, int] = {}
        for number, path in enumerate(paths):
            name = find_source(path).video
            if name:
                yield first.setdefault(name, number), number

    return list(join_groups(len(paths), pairs()).tolist())


def hold_out_shown(
    scenes: Sequence[int], shows: Sequence[bool], share: float, seed: int
) -> list[bool]:
    """Choose pictures to hold out, so that both parts show objects.

    Args:
        scenes: Scene of each picture.
        shows: Whether it shows an object; at least two do.
        share: See `hold_out`.
        seed: The same.

    Returns:
        Whether each picture is held out. Pictures without an object follow those of their scene,
        and are divided in the same way where it has none.
    """
    first = [number for number, shown in enumerate(shows) if shown]
    is_held = [False] * len(scenes)
    for number, held in zip(first, hold_out([scenes[n] for n in first], share, seed), strict=True):
        is_held[number] = held
    trained = {scenes[number] for number in first if not is_held[number]}
    held_scenes = {scenes[number] for number in first} - trained
    rest = []
    for number, shown in enumerate(shows):
        if not shown and scenes[number] in held_scenes:
            is_held[number] = True
        elif not shown and scenes[number] not in trained:
            rest.append(number)
    if len(rest) > 1:
        chosen = hold_out([scenes[number] for number in rest], share, seed)
        for number, held in zip(rest, chosen, strict=True):
            is_held[number] = held
    return is_held


def hold_out(scenes: Sequence[int], share: float, seed: int) -> list[bool]:
    """Choose pictures to hold out, of whole scenes as far as there are several.

    Args:
        scenes: Scene of each picture; at least two pictures.
        share: Of the pictures that is wanted, above 0 to below 1.
        seed: Of the choice among scenes.

    Returns:
        Whether each picture is held out. Of a single scene, or where every scene is too large, they
        are the last pictures.
    """
    wanted = max(1, round(share * len(scenes)))
    most = max(wanted, int(MOST_HELD_OUT * len(scenes)))
    counts = Counter(scenes)
    order = np.random.default_rng(seed).permutation(sorted(counts))
    chosen: set[int] = set()
    held = 0
    for scene in order.tolist():
        if held < wanted and held + counts[scene] <= most and len(chosen) < len(counts) - 1:
            chosen.add(scene)
            held += counts[scene]
    if not chosen:
        first = len(scenes) - min(wanted, len(scenes) - 1)
        return [number >= first for number in range(len(scenes))]
    return [scene in chosen for scene in scenes]
