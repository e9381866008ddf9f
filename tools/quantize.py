"""Call `cpose quantize`."""

import sys

from cpose.cli.main import main

if __name__ == '__main__':
    raise SystemExit(main(['quantize', *sys.argv[1:]]))
