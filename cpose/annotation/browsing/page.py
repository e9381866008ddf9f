"""Pages of annotated pictures, of what training sees, and of predictions beside annotations."""

import os
from collections.abc import Collection, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from cpose.annotation.browsing.comparison import compare_dump, compare_results
from cpose.annotation.browsing.results_page import results_page
from cpose.annotation.browsing.training_page import training_page
from cpose.annotation.checks.report import annotated_cuboids
from cpose.annotation.html_page import (
    ANNOTATED,
    COMPUTED,
    add,
    add_legend,
    add_picture,
    new_page,
    spread,
)
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.datasets.annotations.file_index import (
    IMAGE_EXTENSIONS,
    FolderFiles,
    is_results_folder,
    scan_folder,
)
from cpose.datasets.conventions.table import Convention
from cpose.datasets.image_reading import read_image
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError

JSON_FOLDER = 'json'
"""Of the files below a folder of results."""


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
        DataError: If a file cannot be used, or a folder holds no annotated image.
        ConfigError: If it is no config, the config has no training data, or an argument is given
            that says nothing of such a source.
    """
    given = {'images': images, 'convention': convention, 'cfg_options': options}
    if os.path.isdir(source):
        results = _results_folder(source, images)
        if results is not None:
            _refuse_others(given, {'images', 'convention'}, f'{source} holds results')
            if images is None:
                raise ConfigError(
                    f'is needed for the results in {source}',
                    argument='images',
                    advice='Give the folder of the annotated images that were read',
                )
            return results_page(source, compare_results(results, images, convention), num, images)
        _refuse_others(given, {'convention'}, f'{source} is a folder of images')
        return _folder_page(source, num, convention or {})
    if source.endswith('.json'):
        _refuse_others(given, {'images'}, f'{source} is a file of predictions')
        protocol = metric_settings()['protocol']
        return results_page(source, compare_dump(source, protocol), num, images)
    _refuse_others(given, {'cfg_options'}, f'{source} is a config')
    return training_page(source, num, options or {})


def _results_folder(source: str, images: str | None) -> str | None:
    """Return the folder of the JSON files, None if this is a folder of images."""
    if is_results_folder(source):
        return source
    below = os.path.join(source, JSON_FOLDER)
    is_data = images is None and any(
        name.lower().endswith(IMAGE_EXTENSIONS) for name in os.listdir(source)
    )
    return below if is_results_folder(below) and not is_data else None


def _refuse_others(given: Mapping[str, Any], used: Collection[str], reason: str) -> None:
    """Raise for an argument that would be without effect."""
    for name, value in given.items():
        if value and name not in used:
            raise ConfigError(f'has no effect here: {reason}', argument=name, advice='Leave it out')


def _folder_page(source: str, num: int, convention: Convention) -> Element:
    files = scan_folder(source)
    found = [image for image in files.images if image.annotation_path]
    if not found:
        raise _no_annotation(source, files)
    chosen = [found[number] for number in spread(len(found), num)]
    count = len(files.images) - len(found)
    others = f'; {count} without annotation' if count else ''
    root, body = new_page(
        f'Annotations of {source}', f'{len(chosen)} of {len(found)} annotated pictures{others}'
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


def _no_annotation(source: str, files: FolderFiles) -> DataError:
    return DataError(
        f'holds {len(files.images)} images, none of which has a JSON file of its name beside it',
        place=FilePlace(source),
        advice=('Annotate them with `cpose annotate`', 'Find objects with `cpose infer`'),
    )


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
