"""How commands show warnings."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Let warnings be lines of text on stderr, each once, without the code that they come from."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        sys.stderr.write(f'Warning: {message}\n')

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
