"""Call `cpose tao`."""

import sys

from cpose.cli.main import main

if __name__ == '__main__':
    raise SystemExit(main(['tao', *sys.argv[1:]]))
