"""Read a config file with everything it inherits, from the package too."""

import ast
import errno
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config.new_style import (
    base_imports,
    import_line,
    imported_base,
    imported_names,
    plain_values,
)
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, unwritable
from cpose.files.text_files import read_text

BASE_KEY = '_base_'
ENDING = '.py'
PACKAGE_PREFIX = 'cpose::'
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What is wrong with the folder of the copies, not with the config."""
ADVICE_OF_ROOM = ('Make room', 'Name another folder in TMPDIR')
TEMPLATE = '{{'
"""What MMEngine replaces by the place of the file."""


def read_config_file(path: Path, find_shipped: Callable[[str], Path]) -> Config:
    """Read a config file; what is written in it may raise anything.

    Args:
        path: A Python file.
        find_shipped: Gives the file of a base whose name begins with ``cpose::``.

    Raises:
        ConfigError: If it cannot be read, with the file and the line where it is known.
        OutputError: If the temporary folder has no room.
    """
    with tempfile.TemporaryDirectory() as folder:
        bases = _Bases(Path(folder), find_shipped)
        try:
            config = bases.read(bases.resolve(path))
        except ConfigError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise unwritable(folder, error, ADVICE_OF_ROOM) from error
            raise _reading_error(path, error, bases.originals) from error
    return Config(config, cfg_text=read_text(path, kind=ConfigError), filename=str(path))


def text_list(value: Any) -> list[str] | None:
    """Return one text or several as a list, and None for anything else."""
    texts = [value] if isinstance(value, str) else value
    is_list = isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts)
    return list(texts) if is_list else None


@dataclass
class _Bases:
    """Files as MMEngine can read them: copies whose bases are plain paths.

    Attributes:
        folder: Where the copies are.
        find_shipped: See `read_config_file`.
        originals: The file of the user by the name of the file that is read.
        imported: Names that are imported and so no keys.
    """

    folder: Path
    find_shipped: Callable[[str], Path]
    originals: dict[str, Path] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)

    def read(self, file: Path) -> dict[str, Any]:
        """Return the content of a file from `resolve`, with plain values."""
        content = Config.fromfile(str(file), import_custom_modules=False, lazy_import=False)
        keys = {name: value for name, value in content.items() if name not in self.imported}
        plain: dict[str, Any] = plain_values(keys)
        return plain

    def resolve(self, path: Path, heirs: tuple[Path, ...] = ()) -> Path:
        """Return ``path``, or its copy if it inherits anything; ``heirs`` inherit it."""
        if path.suffix != ENDING:
            raise ConfigError(
                'is no config',
                argument='config',
                place=FilePlace(path),
                advice=f'Give a Python file that ends in {ENDING}; specs (.yaml) are for '
                '`cpose tao`.',
            )
        if path in heirs:
            chain = ' inherits '.join(str(file) for file in (*heirs[heirs.index(path) :], path))
            raise ConfigError(
                f'inherits itself: {chain}',
                place=FilePlace(path, BASE_KEY),
                advice=f'Change {BASE_KEY} in one of them.',
            )
        self.originals[str(path)] = path
        copy = self.folder / f'{path.stem}_{len(self.originals)}{ENDING}'
        self.originals[str(copy)] = path
        readable = self._as_utf8(path)
        Config._substitute_predefined_vars(str(readable), str(copy))
        text = copy.read_text(encoding='utf-8')
        module = ast.parse(text, str(path))
        self.imported |= imported_names(module)
        if base_imports(module):
            return self._with_copied_imports(copy, module, (*heirs, path))
        node = _base_line(module)
        if node is None:
            return readable
        bases = [self._find(name, path) for name in _base_names(node, path)]
        plain = [str(self.resolve(base, (*heirs, path))) for base in bases]
        copy.write_text(_replace_value(text, node, plain), encoding='utf-8')
        return copy

    def _as_utf8(self, path: Path) -> Path:
        """Return a config that Python and MMEngine can read, a copy if it has a byte-order mark.

        Raises:
            ConfigError: If it is no text, or a copy would have other values.
        """
        text = read_text(path, kind=ConfigError)
        if text.encode() == path.read_bytes():
            return path
        if TEMPLATE in text:
            raise ConfigError(
                f'has a byte-order mark or is not in UTF-8, and uses {TEMPLATE}',
                place=FilePlace(path),
                advice='Write it in UTF-8 without a mark',
            )
        copy = self.folder / f'{len(self.originals)}_{path.name}'
        copy.write_text(text, encoding='utf-8')
        self.originals[str(copy)] = path
        return copy

    def _with_copied_imports(self, copy: Path, module: ast.Module, heirs: tuple[Path, ...]) -> Path:
        """Let a new-style config import copies of its bases, whatever style these are of."""
        lines = copy.read_text(encoding='utf-8').split('\n')
        for node in base_imports(module):
            base = self.resolve(imported_base(node, heirs[-1], self.find_shipped), heirs)
            first, last = node.lineno - 1, node.end_lineno or node.lineno
            before = lines[first].encode()[: node.col_offset].decode()
            lines[first:last] = f'{before}{import_line(node, base)}'.split('\n')
        copy.write_text('\n'.join(lines), encoding='utf-8')
        return copy

    def _find(self, name: str, path: Path) -> Path:
        if name.startswith(PACKAGE_PREFIX):
            return self.find_shipped(name)
        base = (path.parent / name).resolve()
        if not base.is_file():
            raise ConfigError(
                f'does not exist: there is no {base}',
                value=name,
                place=FilePlace(path, BASE_KEY),
                advice='Correct the path, which counts from the folder of the config.',
            )
        return base


def _base_line(module: ast.Module) -> ast.Assign | None:
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == BASE_KEY for target in node.targets
        ):
            return node
    return None


def _base_names(node: ast.Assign, path: Path) -> list[str]:
    try:
        names = text_list(ast.literal_eval(node.value))
    except ValueError:
        names = None
    if names is None:
        raise ConfigError(
            f'is {ast.unparse(node.value)}',
            place=FilePlace(path, BASE_KEY, node.lineno),
            advice='Give the path of a config or a list of paths.',
        )
    return names


def _replace_value(text: str, node: ast.Assign, files: list[str]) -> str:
    """Write other bases into a config; no line gets another number."""
    value, lines = node.value, text.split('\n')
    first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
    before = lines[first].encode()[: value.col_offset].decode()
    after = lines[last].encode()[value.end_col_offset :].decode()
    inside = ', '.join(map(repr, files)) + '\n' * (last - first)
    return '\n'.join([*lines[:first], f'{before}[{inside}]{after}', *lines[last + 1 :]])


def _reading_error(path: Path, error: Exception, originals: dict[str, Path]) -> ConfigError:
    """Tell where reading ``path``, or a file that it inherits, failed."""
    if isinstance(error, SyntaxError):
        places, what = [(error.filename, error.lineno)], error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        places, what = [(frame.filename, frame.lineno) for frame in frames], str(error)
    known = [(originals.get(str(name)), line) for name, line in places if str(name) in originals]
    file, line = (known[-1][0] or path, known[-1][1]) if known else (path, None)
    reason = ': '.join(filter(None, (type(error).__name__, what)))
    return ConfigError(
        f'cannot be read: {reason}', place=FilePlace(file, line=line), advice='Correct it.'
    )
