"""Which folders a data set reads, and which category the objects of each one are of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cpose.errors import ConfigError, nearest_names

Places = str | Sequence[str] | Mapping[str, str | Sequence[str]]
"""One path, several, or those of each category by its name; ``{category}`` stands for names."""
PLACEHOLDER = '{category}'


class DataFolder(NamedTuple):
    """A folder of images and annotations.

    Attributes:
        path: The folder.
        category: What its objects are of whose class is no category; None where the config does
            not say it.
        image_list: Text file that names the images to take, None for all.
    """

    path: str
    category: str | None = None
    image_list: str | None = None


def find_folders(
    data_root: Places, categories: Sequence[str], image_list: Places | None = None
) -> list[DataFolder]:
    """Return the folders of a data set, ``{category}`` filled in.

    Args:
        data_root: Where they are.
        categories: Names of the categories.
        image_list: As many lists as there are folders, in the same order; None for none.

    Raises:
        ConfigError: If no folder is given, one is given for two categories, a category is unknown,
            or there are not as many lists as folders.
    """
    folders = _listed('data_root', data_root, categories)
    if not folders:
        raise ConfigError(
            'is no folder',
            argument='data_root',
            value=data_root,
            advice=('Give a folder', 'a list of folders', 'a dict of category and folders'),
        )
    _check_given_once(folders)
    if image_list is None:
        return [DataFolder(path, category) for path, category in folders]
    lists = _listed('image_list', image_list, categories)
    if len(lists) != len(folders):
        raise ConfigError(
            f'must name {len(folders)} files, one for each data folder, and names {len(lists)}',
            argument='image_list',
            value=image_list,
            advice='Give one text file for each folder of {data_root}',
        )
    return [
        DataFolder(path, category, file)
        for (path, category), (file, _) in zip(folders, lists, strict=True)
    ]


def _listed(
    argument: str, places: Places, categories: Sequence[str]
) -> list[tuple[str, str | None]]:
    """Return each path with the category that it is given for; none if one is no path."""
    found = list(_filled(argument, places, categories))
    is_right = all(isinstance(path, str) and path for path, _ in found)
    return list(dict.fromkeys(found)) if is_right else []


def _filled(
    argument: str, places: Places, categories: Sequence[str]
) -> Iterator[tuple[str, str | None]]:
    if not isinstance(places, Mapping):
        for path in _as_list(places):
            names = categories if isinstance(path, str) else categories[:1]
            yield from ((_fill(path, name), None) for name in names)
        return
    for category, paths in places.items():
        if category not in categories:
            raise ConfigError(
                f'has {category!r}, which is no category of metainfo.category',
                argument=argument,
                value=list(places),
                advice=nearest_names(str(category), categories),
            )
        yield from ((_fill(path, category), category) for path in _as_list(paths))


def _as_list(paths: Any) -> list[Any]:
    return list(paths) if isinstance(paths, Sequence) and not isinstance(paths, str) else [paths]


def _fill(path: Any, category: str) -> Any:
    return path.replace(PLACEHOLDER, category) if isinstance(path, str) else path


def _check_given_once(folders: Sequence[tuple[str, str | None]]) -> None:
    known: dict[str, str | None] = {}
    for path, category in folders:
        if known.setdefault(path, category) != category:
            raise ConfigError(
                f'names the folder {path} for {known[path]} and for {category}: its images would '
                'be read twice',
                argument='data_root',
                advice='Give it once; the field class of its objects tells them apart',
            )
