# Sourced by dist_*.sh: `launch COUNT COMMAND ARGUMENTS...` runs tools/COMMAND.py in COUNT processes.
# One machine by default; for several set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.

launch() {
    count=$1 command=$2
    shift 2
    python=${PYTHON:-python}
    tools=$(dirname "$0")
    # Several threads in each of several processes only get in each other's way.
    export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
    if [ "${NNODES:-1}" = 1 ] && [ -z "${PORT:-}" ]; then
        set -- "$tools/$command.py" "$@" --launcher pytorch
        exec "$python" -m cpose.cli.launch_processes --standalone --nproc_per_node="$count" "$@"
    fi
    exec "$python" -m cpose.cli.launch_processes --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
        --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
        --nproc_per_node="$count" "$tools/$command.py" "$@" --launcher pytorch
}
