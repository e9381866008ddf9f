"""Skies and furniture from public packages; nothing of them is part of this project.

- Skies: 18 panoramas of Poly Haven (CC0) in the npm package ``@pmndrs/assets`` 1.7.0.
- Furniture: about 800 models of Debian's package ``sweethome3d-furniture`` (CC-BY 3.0 and CC0 by
  their contributors, see its ``copyright``).
"""

import base64
import hashlib
import io
import json
import re
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from cpose.errors import DataError

SKY_PACKAGE = 'https://registry.npmjs.org/@pmndrs/assets/-/assets-1.7.0.tgz'
SKY_SHA256 = '152bd218a3390703f184f0c6ce16e73c8f0a87f32d38530d418a09d33d8208dc'
SKY_FILE = re.compile(r'package/hdri/(\w+\.exr)\.js')
SKY_DATA = re.compile(rb'base64,([A-Za-z0-9+/=]+)')
CATALOGUES = 'usr/share/sweethome3d/furniture/*.sh3f'
MODEL_INDEX = 'models.json'
MOST_BYTES = 3_000_000
"""Larger models take longer to read than the picture to render."""


@dataclass(frozen=True)
class Assets:
    """What pictures are furnished with.

    Attributes:
        skies: Panoramas (.exr), sorted.
        models: Models (.obj) that do not look like boxes, sorted.
    """

    skies: tuple[Path, ...] = ()
    models: tuple[Path, ...] = ()

    @classmethod
    def find(cls, folder: Path | None) -> 'Assets':
        """Return what was fetched into a folder; nothing without a folder.

        Raises:
            DataError: If the folder has no skies.
        """
        if folder is None:
            return cls()
        skies = tuple(sorted(folder.glob('skies/*.exr')))
        if not skies:
            raise DataError(
                f'{folder} has no skies/*.exr',
                argument='assets',
                advice='Fetch them with `python -m pathtraced_boxes fetch`',
            )
        index = folder / MODEL_INDEX
        names = json.loads(index.read_text()) if index.is_file() else []
        return cls(skies, tuple(folder / name for name in names))


def fetch_skies(folder: Path, package: bytes | None = None) -> list[Path]:
    """Write the panoramas of the npm package to ``folder/skies``.

    Args:
        folder: Is made if it is not there.
        package: Content of the package; it is downloaded if left out.

    Raises:
        DataError: If it is another package than the one that was checked.
    """
    if package is None:
        with urlopen(SKY_PACKAGE, timeout=60) as response:
            package = response.read()
        if hashlib.sha256(package).hexdigest() != SKY_SHA256:
            raise DataError(f'{SKY_PACKAGE} has another content than expected', argument='assets')
    target = folder / 'skies'
    target.mkdir(parents=True, exist_ok=True)
    written = []
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for member in archive:
            name = SKY_FILE.fullmatch(member.name)
            content = archive.extractfile(member) if name else None
            if name is None or content is None:
                continue
            data = SKY_DATA.search(content.read())
            if data is not None:
                path = target / name[1]
                path.write_bytes(base64.b64decode(data[1]))
                written.append(path)
    return written


def unpack_models(package: Path, folder: Path) -> list[Path]:
    """Write the models of ``sweethome3d-furniture_*.deb`` to ``folder/models``.

    Needs ``dpkg-deb``, which Debian and Ubuntu have.

    Returns:
        The .obj files of moderate size, sorted.
    """
    system = folder / 'package'
    subprocess.run(['dpkg-deb', '-x', package, system], check=True)
    target = folder / 'models'
    for catalogue in sorted(system.glob(CATALOGUES)):
        with zipfile.ZipFile(catalogue) as archive:
            archive.extractall(target / catalogue.stem)
    models = sorted(target.rglob('*.obj'))
    return [path for path in models if path.stat().st_size <= MOST_BYTES]
