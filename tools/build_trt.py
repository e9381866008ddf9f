"""Call `cpose build-trt`."""

import sys

from cpose.cli.main import main

if __name__ == '__main__':
    raise SystemExit(main(['build-trt', *sys.argv[1:]]))
