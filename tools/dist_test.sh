#!/bin/sh
# Evaluate in several processes, one per GPU (or on CPUs, where there is none).
set -eu

if [ $# -lt 3 ]; then
    echo "Usage: $0 CONFIG CHECKPOINT NUM_PROCESSES [arguments of tools/test.py]" >&2
    exit 2
fi
config=$1 checkpoint=$2 count=$3
shift 3
. "$(dirname "$0")/launch_processes.sh"
launch "$count" test "$config" "$checkpoint" "$@"
