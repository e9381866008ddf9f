"""A page of what training sees: augmented inputs, what is learnt of them, and the frame before."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import cv2
import numpy as np
import torch
from mmengine.registry import DefaultScope

from cpose.annotation.html_page import (
    ANNOTATED,
    DrawnCuboid,
    add,
    add_drawing,
    add_legend,
    add_picture,
    new_page,
    spread,
)
from cpose.apis.builder import build_model
from cpose.apis.config.check import import_custom_modules
from cpose.apis.config.load import load_config
from cpose.building import building
from cpose.codecs.targets import PoseTargets, select_candidates
from cpose.codecs.tracking.previous_heatmaps import draw_previous
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError
from cpose.registry import DATASETS
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.structures.previous_frame import IMAGE_CHANNELS

RED, CYAN = (60, 60, 255), (255, 210, 60)
"""Blue, green and red of heatmaps: of centres and of corners."""
HEAT = {'hm': RED, 'hm_hp': CYAN}
TINT = 0.65
UNSEEN = '#a8b0bd'
"""Colour of objects that nothing is learnt of."""
LEGEND = (
    (ANNOTATED, 'corners that are learnt, numbered'),
    (UNSEEN, 'object without targets: too little of it is seen (dashed)'),
    ('#ff3c3c', 'heatmap of centres'),
    ('#3cd2ff', 'heatmap of corners'),
)


def training_page(source: str, num: int, options: Mapping[str, Any]) -> Element:
    """Return a page of the training inputs of a config.

    Args:
        source: See `cpose.apis.config.load.find_config`.
        num: Pictures at most, spread evenly over the data set.
        options: Overrides by dotted key.

    Raises:
        ConfigError: If it is no config, is wrong, or has no training data.
        DataError: If an image or an annotation cannot be used.
    """
    config = load_config(source, options)
    import_custom_modules(config)
    given = (config.get('train_dataloader') or {}).get('dataset')
    if given is None:
        raise ConfigError(
            'is missing, so there is nothing that training sees',
            place=ConfigPlace(('train_dataloader.dataset',), str(source)),
            advice='Give a config with training data',
        )
    with DefaultScope.overwrite_default_scope('cpose'), building(config):
        dataset: Any = DATASETS.build(given)
    codec = getattr(build_model(config).head, 'codec', None) if config.get('model') else None
    names = dataset.metainfo['category']
    chosen = spread(len(dataset), num)
    root, body = new_page(
        f'What training sees by {source}',
        f'{len(chosen)} of {len(dataset)} pictures, augmented as in the first epoch',
    )
    add_legend(body, LEGEND)
    pictures = add(body, 'div', class_='pictures')
    for number in chosen:
        item = dataset[number]
        _add_sample(pictures, item['inputs'].numpy(), item['data_samples'], codec, names)
    return root


def _add_sample(
    pictures: Element,
    planes: np.ndarray,
    sample: PoseDataSample,
    codec: Any,
    names: Sequence[str],
) -> None:
    """Add an input, and the frame before where the network reads one."""
    pixels = _as_picture(planes[:IMAGE_CHANNELS])
    targets = None
    candidates = sample.candidates
    if candidates is not None and codec is not None:
        rows = torch.from_numpy(candidates.is_candidate.argmax(axis=1))[None]
        encoded = codec.encode([sample])
        targets = select_candidates(encoded, rows) if len(candidates) else encoded
        pixels = _with_targets(pixels, targets, codec, sample.input_wh)
    name = str(Path(*Path(sample.image_path).parts[-2:]))
    is_learnt = _learnt(sample, targets)
    caption = add_picture(pictures, pixels, _cuboids(sample, is_learnt), name)
    if candidates is not None:
        add(caption, 'div', _describe_objects(sample, is_learnt, names))
    if len(planes) > IMAGE_CHANNELS:
        heat = draw_previous([sample.previous], planes.shape[1:], 'cpu')[0].numpy()
        before = _tinted(_as_picture(planes[IMAGE_CHANNELS:]), heat[:1].max(axis=0), RED)
        add(caption, 'div', 'The frame before, with the peaks that the network is given:')
        add_drawing(caption, _tinted(before, heat[1:].max(axis=0), CYAN), (), f'Before {name}')


def _as_picture(planes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(planes[:IMAGE_CHANNELS].transpose(1, 2, 0))


def _learnt(sample: PoseDataSample, targets: PoseTargets | None) -> np.ndarray:
    """Return which objects (N,) have targets; all of them where nobody knows."""
    count = 0 if sample.candidates is None else len(sample.candidates)
    if targets is None:
        return np.ones(count, dtype=bool)
    return np.asarray(targets['object_mask'][0, 0].numpy()[:count])


def _cuboids(sample: PoseDataSample, is_learnt: np.ndarray) -> list[DrawnCuboid]:
    """Return the objects as they are labelled, the first of equal views."""
    candidates = sample.candidates
    if candidates is None or not len(candidates):
        return []
    rows = candidates.is_candidate.argmax(axis=1)
    corners = candidates.corners_input[np.arange(len(rows)), rows]
    points = np.concatenate([candidates.centers_input[:, None], corners], axis=1)
    return [
        DrawnCuboid(each, ANNOTATED, is_numbered=True)
        if learnt
        else DrawnCuboid(each, UNSEEN, is_dashed=True)
        for each, learnt in zip(points, is_learnt.tolist(), strict=True)
    ]


def _describe_objects(sample: PoseDataSample, is_learnt: np.ndarray, names: Sequence[str]) -> str:
    """Return the category of each object and how many views of it count as equal."""
    candidates = sample.candidates
    if candidates is None or not len(candidates):
        return 'no object'
    views = candidates.is_candidate.sum(axis=1).tolist()
    each = [
        f'{names[label]}, {"equal views: " + str(count) if learnt else "without targets"}'
        for label, count, learnt in zip(
            candidates.labels.tolist(), views, is_learnt.tolist(), strict=True
        )
    ]
    return '; '.join(each)


def _with_targets(
    pixels: np.ndarray, targets: PoseTargets, codec: Any, input_wh: tuple[int, int]
) -> np.ndarray:
    """Tint the input by the target heatmaps of one candidate of each object."""
    width, height = input_wh
    heatmaps = codec.draw_heatmaps(targets, (height // codec.stride, width // codec.stride))
    for name, color in HEAT.items():
        if name in heatmaps:
            pixels = _tinted(pixels, heatmaps[name][0, 0].amax(dim=0).numpy(), color)
    return pixels


def _tinted(pixels: np.ndarray, heat: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Blend a colour into a picture by a map (h, w) of 0 to 1 of any size."""
    height, width = pixels.shape[:2]
    weight = TINT * cv2.resize(heat.astype(np.float32), (width, height))[..., None]
    canvas = pixels.astype(np.float32) * (1 - weight) + np.array(color, dtype=np.float32) * weight
    return canvas.round().astype(np.uint8)
