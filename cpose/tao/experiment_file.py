"""The resolved spec beside the results."""

from pathlib import Path

import yaml

from cpose.errors import OutputError
from cpose.file_writing import write_text_atomic
from cpose.tao import SECRET
from cpose.tao.spec_file import TaoSpec

NAME = 'experiment.yaml'


def write_experiment(spec: TaoSpec, folder: Path) -> Path:
    """Write all values, defaults included, so that the file is a spec again; return its path.

    The encryption key is left out.

    Raises:
        OutputError: If it cannot be written.
    """
    values = {**spec.values.model_dump(mode='json', by_alias=True), SECRET: ''}
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f'{folder} cannot be made: {error.strerror}. Choose another results_dir.'
        ) from error
    write_text_atomic(path, yaml.safe_dump(values, sort_keys=False))
    return path
