"""Call `cpose test`."""

import sys

from cpose.cli.main import main

if __name__ == '__main__':
    raise SystemExit(main(['test', *sys.argv[1:]]))
