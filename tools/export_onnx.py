"""Call `cpose export-onnx`."""

import sys

from cpose.cli.main import main

if __name__ == '__main__':
    raise SystemExit(main(['export-onnx', *sys.argv[1:]]))
