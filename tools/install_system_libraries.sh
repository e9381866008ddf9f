#!/bin/sh
# Install what pip cannot: the venv module and the libraries that OpenCV links on Linux.
# Uses apt-get where it may, otherwise prints the one command to run.
set -eu

PYTHON=${PYTHON:-python3}
missing=''

"$PYTHON" - <<'PY' || { echo "cpose needs Python 3.10 or newer; $PYTHON is older. Set PYTHON=..." >&2; exit 2; }
import sys
sys.exit(sys.version_info < (3, 10))
PY

[ "$(uname -s)" = Linux ] || exit 0

"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

have() {
    "$PYTHON" -c "import ctypes; ctypes.CDLL('$1')" 2>/dev/null
}

have libGL.so.1 || missing="$missing libgl1"
have libglib-2.0.so.0 && have libgthread-2.0.so.0 || missing="$missing libglib2.0-0"
have libxcb.so.1 || missing="$missing libxcb1"

[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    root=''
elif command -v apt-get >/dev/null 2>&1 && command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    root='sudo'
else
    echo "System packages are missing. Run this once, then make again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 2
fi
echo "Installing system packages:$missing"
$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
