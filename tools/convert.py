"""Call `cpose convert`."""

import sys

from cpose.cli.main import main

if __name__ == '__main__':
    raise SystemExit(main(['convert', *sys.argv[1:]]))
