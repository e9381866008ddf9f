#!/bin/sh
# Train in several processes, one per GPU (or on CPUs, where there is none).
set -eu

if [ $# -lt 2 ]; then
    echo "Usage: $0 CONFIG NUM_PROCESSES [arguments of tools/train.py]" >&2
    exit 2
fi
config=$1 count=$2
shift 2
. "$(dirname "$0")/launch_processes.sh"
launch "$count" train "$config" "$@"
