"""Pages of annotated pictures, of what training sees, and of predictions beside annotations."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import cv2
import numpy as np
from mmengine.registry import DefaultScope

from cpose.annotation.browsing.comparison import (
    ComparedImage,
    compare_dump,
    compare_results,
    sort_worst_first,
)
from cpose.annotation.checks.report import annotated_cuboids
from cpose.annotation.html_page import (
    ANNOTATED,
    COMPUTED,
    DrawnCuboid,
    add,
    add_cards,
    add_histogram,
    add_legend,
    add_picture,
    new_page,
)
from cpose.apis.config.check import import_custom_modules
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.apis.config.load import load_config
from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.datasets.annotations.file_index import is_results_folder, scan_folder
from cpose.datasets.conventions.table import Convention
from cpose.datasets.image_reading import read_image
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, DataError
from cpose.registry import CODECS, DATASETS
from cpose.structures.pose_data_sample import PoseDataSample

BLANK = 96
"""Grey of pictures that are not there."""
HEAT = {'hm': (60, 60, 255), 'hm_hp': (255, 210, 60)}
"""Blue, green and red of target heatmaps: centres and corners."""
STRIDE = 4
GOOD, FAIR = 0.5, 0.25
"""Overlaps that count as found, and as nearly found."""


def browse(
    source: str,
    num: int,
    images: str | None = None,
    convention: Convention | None = None,
    options: Mapping[str, Any] | None = None,
) -> Element:
    """Return a page about a folder of annotated images, a config, or results.

    Args:
        source: Folder of images, folder of results of ``cpose infer``, file of ``cpose test
            --dump``, or a config.
        num: Pictures at most; of a folder or config they are spread evenly, of results the worst.
        images: Folder of the images of results, where their names do not lead to them.
        convention: How annotations are written.
        options: Overrides of a config by dotted key.

    Raises:
        DataError: If a file cannot be used.
        ConfigError: If it is no config, or the config has no training data.
    """
    if os.path.isdir(source):
        if is_results_folder(source) or is_results_folder(os.path.join(source, 'json')):
            if images is None:
                raise ConfigError(
                    f'is needed for the results in {source}',
                    argument='images',
                    advice='Give the folder of the annotated images that were read',
                )
            return _results_page(source, compare_results(source, images), num, images)
        return _folder_page(source, num, convention or {})
    if source.endswith('.json'):
        protocol = metric_settings()['protocol']
        return _results_page(source, compare_dump(source, protocol), num, images)
    return _config_page(source, num, options or {})


def _spread(count: int, num: int) -> list[int]:
    """Return at most ``num`` numbers below ``count``, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(num, count)).round().astype(int)).tolist()


def _folder_page(source: str, num: int, convention: Convention) -> Element:
    found = [image for image in scan_folder(source).images if image.annotation_path]
    chosen = [found[number] for number in _spread(len(found), num)] if found else []
    root, body = new_page(
        f'Annotations of {source}', f'{len(chosen)} of {len(found)} annotated pictures'
    )
    add_legend(
        body, [(ANNOTATED, 'projected_cuboid'), (COMPUTED, 'the 3D fields, projected (dashed)')]
    )
    pictures = add(body, 'div', class_='pictures')
    for image in chosen:
        try:
            assert image.annotation_path is not None
            annotation = read_annotation(os.path.join(source, image.annotation_path), convention)
            pixels = read_image(os.path.join(source, image.path), annotation.image_wh)
        except DataError as error:
            caption = add(add(pictures, 'figure'), 'figcaption')
            add(caption, 'b', image.path)
            add(caption, 'div', str(error), class_='error')
            continue
        caption = add_picture(pictures, pixels, annotated_cuboids(annotation), image.path)
        for line in _describe_objects(annotation):
            add(caption, 'div', line)
    return root


def _describe_objects(annotation: Annotation) -> list[str]:
    cuboids = annotation.cuboids
    lines = []
    for number, name in enumerate(annotation.class_names):
        dims = ' × '.join(f'{value:.3g}' for value in cuboids.dims_metric[number].tolist())
        code = annotation.symmetric[number]
        symmetric = '' if code is None else f', symmetric {str(code).lower()}'
        visibility = cuboids.visibility[number]
        lines.append(f'{name or "object"}: {dims}, visibility {visibility:.2g}{symmetric}')
    return lines or ['no object']


def _config_page(source: str, num: int, options: Mapping[str, Any]) -> Element:
    config = load_config(source, options)
    import_custom_modules(config)
    given = (config.get('train_dataloader') or {}).get('dataset')
    if given is None:
        raise ConfigError(
            'is missing, so there is nothing that training sees',
            place=ConfigPlace(('train_dataloader.dataset',), str(source)),
            advice='Give a config with training data',
        )
    with DefaultScope.overwrite_default_scope('cpose'):
        dataset: Any = DATASETS.build(given)
    codec = _build_codec(config)
    chosen = _spread(len(dataset), num)
    root, body = new_page(
        f'What training sees by {source}',
        f'{len(chosen)} of {len(dataset)} pictures, augmented as in the first epoch',
    )
    add_legend(
        body,
        [
            (ANNOTATED, 'corners that are learnt, numbered'),
            ('#ff3c3c', 'heatmap of centres'),
            ('#3cd2ff', 'heatmap of corners'),
        ],
    )
    pictures = add(body, 'div', class_='pictures')
    for number in chosen:
        item = dataset[number]
        _add_sample(pictures, item['inputs'][:3].numpy(), item['data_samples'], codec)
    return root


def _build_codec(config: Mapping[str, Any]) -> Any:
    """Return the codec of a config's head, None for a model without one of this kind."""
    head = (config.get('model') or {}).get('head') or {}
    if 'codec' not in head or 'branches' not in head:
        return None
    wiring = {'num_classes': head.get('num_classes', 1), 'branches': head['branches']}
    return CODECS.build({**head['codec'], **wiring})


def _add_sample(pictures: Element, planes: np.ndarray, sample: PoseDataSample, codec: Any) -> None:
    pixels = np.ascontiguousarray(planes.transpose(1, 2, 0))
    candidates = sample.candidates
    cuboids = []
    if candidates is not None and len(candidates):
        first = candidates.corners_input[:, 0]
        centers = candidates.centers_input[:, None]
        cuboids = [
            DrawnCuboid(points, ANNOTATED, is_numbered=True)
            for points in np.concatenate([centers, first], axis=1)
        ]
    if codec is not None and candidates is not None:
        pixels = _with_heatmaps(pixels, sample, codec)
    name = os.path.basename(sample.image_path)
    caption = add_picture(pictures, pixels, cuboids, name)
    if candidates is not None:
        rows = candidates.is_candidate.sum(axis=1).tolist()
        text = ', '.join(map(str, rows))
        count = f'{len(candidates)} object{"s" if len(candidates) > 1 else ""}'
        words = f'{count}, equal views of each: {text}' if rows else 'no object'
        add(caption, 'div', words)


def _with_heatmaps(pixels: np.ndarray, sample: PoseDataSample, codec: Any) -> np.ndarray:
    """Tint the input by the target heatmaps, those of corners of the first candidate."""
    width, height = sample.input_wh
    heatmap_hw = (height // STRIDE, width // STRIDE)
    heatmaps = codec.draw_heatmaps(codec.encode([sample]), heatmap_hw)
    canvas = pixels.astype(np.float32)
    for name, color in HEAT.items():
        if name not in heatmaps:
            continue
        heat = heatmaps[name][0, 0].amax(dim=0).numpy().astype(np.float32)
        weight = 0.65 * cv2.resize(heat, (width, height))[..., None]
        canvas = canvas * (1 - weight) + np.array(color, dtype=np.float32) * weight
    return canvas.round().astype(np.uint8)


def _results_page(
    source: str, compared: Sequence[ComparedImage], num: int, images: str | None
) -> Element:
    ordered = sort_worst_first(compared)[:num]
    root, body = new_page(
        f'Predictions of {source}', f'{len(ordered)} of {len(compared)} pictures, the worst first'
    )
    overlaps = np.concatenate([item.overlaps for item in compared] or [np.zeros(0)])
    overlaps = overlaps[np.isfinite(overlaps)]
    measure = compared[0].measure if compared else 'overlap'
    num_good = int((overlaps >= GOOD).sum())
    add_cards(
        body,
        [
            (str(len(compared)), 'pictures', ''),
            (str(len(overlaps)), 'objects', ''),
            (str(num_good), f'found with a {measure} of {GOOD}', ''),
            (str(int((overlaps == 0).sum())), 'missed', 'error' if (overlaps == 0).any() else ''),
        ],
    )
    add(body, 'h2', 'Distribution')
    plots = add(body, 'div', class_='plots')
    title = f'{measure[0].upper()}{measure[1:]} of the objects'
    add_histogram(plots, title, overlaps.tolist(), '', (0.0, 1.0))
    add(body, 'h2', 'Pictures')
    add_legend(body, [(ANNOTATED, 'annotated (numbered)'), (COMPUTED, 'predicted (dashed)')])
    pictures = add(body, 'div', class_='pictures')
    for item in ordered:
        _add_compared(pictures, item, images)
    return root


def _add_compared(pictures: Element, item: ComparedImage, images: str | None) -> None:
    cuboids = [DrawnCuboid(points, ANNOTATED, is_numbered=True) for points in item.annotated]
    cuboids += [DrawnCuboid(points, COMPUTED, is_dashed=True) for points in item.predicted]
    pixels, is_there = _find_picture(item, images)
    caption = add_picture(pictures, pixels, cuboids, item.name)
    for number, overlap in enumerate(item.overlaps.tolist()):
        if overlap == overlap:
            style = 'note' if overlap >= GOOD else 'warning' if overlap >= FAIR else 'error'
            add(caption, 'div', f'objects[{number}]: {item.measure} {overlap:.2f}', class_=style)
    scores = ', '.join(f'{score:.2f}' for score in item.scores.tolist())
    add(caption, 'div', f'predicted with scores {scores}' if scores else 'nothing predicted')
    if not is_there:
        add(caption, 'div', 'The picture is not there; name its folder with --images')


def _find_picture(item: ComparedImage, images: str | None) -> tuple[np.ndarray, bool]:
    """Return the picture of a result, or a grey one, and whether it is there."""
    names = [item.name, os.path.basename(item.name)]
    paths = [Path(images, name) for name in names] if images else [Path(item.name)]
    for path in paths:
        if path.is_file():
            return read_image(str(path), item.image_wh), True
    width, height = item.image_wh
    return np.full((height, width, 3), BLANK, dtype=np.uint8), False
