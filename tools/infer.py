"""Call `cpose infer`."""

import sys

from cpose.cli.main import main

if __name__ == '__main__':
    raise SystemExit(main(['infer', *sys.argv[1:]]))
