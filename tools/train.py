"""Call `cpose train`."""

import sys

from cpose.cli.main import main

if __name__ == '__main__':
    raise SystemExit(main(['train', *sys.argv[1:]]))
