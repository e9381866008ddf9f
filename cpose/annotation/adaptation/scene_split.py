"""Hold out pictures of whole scenes: pictures of one scene are alike, and would flatter a model.

A scene is a sub-folder, or the pictures whose names differ in their last number only; pictures that
look nearly the same are of one scene too.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence

import cv2
import numpy as np

from cpose.datasets.image_reading import read_image

LAST_NUMBER = re.compile(r'[-_ .]*\(?\d+\)?$')
HASH_WH = (9, 8)
NEAR_BITS = 6
"""Signs of differences between neighbours, of 64, in which near-duplicates differ at most."""
MOST_HELD_OUT = 0.5
"""Share of the pictures; more are held out of no scene."""


def find_scenes(root: str, paths: Sequence[str]) -> list[int]:
    """Return the number of the scene of each picture.

    Args:
        root: Folder of the pictures.
        paths: Relative to it, with sub-folders.

    Raises:
        DataError: If a picture cannot be read.
    """
    names = [_scene_name(path) for path in paths]
    if len(set(names)) == 1:  # such as IMG_0001, IMG_0002: the names tell nothing
        names = list(paths)
    first_of_name = {name: number for number, name in reversed(list(enumerate(names)))}
    scenes = np.array([first_of_name[name] for name in names])
    hashes = np.stack([_difference_hash(read_image(os.path.join(root, path))) for path in paths])
    for number, bits in enumerate(hashes[:-1]):
        is_near = (hashes[number + 1 :] != bits).sum(axis=1) <= NEAR_BITS
        for other in np.flatnonzero(is_near) + number + 1:
            scenes[scenes == scenes[other]] = scenes[number]
    return list(scenes.tolist())


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


def _scene_name(path: str) -> str:
    stem = os.path.splitext(path)[0]
    return LAST_NUMBER.sub('', stem)


def _difference_hash(image: np.ndarray) -> np.ndarray:
    """Return (64,) bool, whether brightness rises from each of 9 × 8 cells to the next.

    Source: Krawetz, "Kind of Like That" (2013), difference hash.
    """
    grey = cv2.cvtColor(
        cv2.resize(image, HASH_WH, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY
    )
    return np.asarray(grey[:, 1:] > grey[:, :-1]).ravel()
