"""Spoil inputs of every reader and see that each is read or refused, with a message.

Run ``python -m tests.fuzz --count 10000`` or ``--minutes 30`` from the root of the repository. It
prints a table in Markdown and every fault with what makes it again, for example
``python -m tests.fuzz --seed 1 --only images --number 17``. With ``--log FILE`` a campaign that was
stopped goes on where it was, on the same code. Exit code 1 if there are faults.
"""

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import track

from .campaign import FAULTS, Outcome, count_outcomes, read_log, run_campaign
from .targets import TARGETS

KINDS = ('accepted', 'refused', *FAULTS)


def main() -> int:
    """Run and tell."""
    args = _parse()
    numbers = [args.number] if args.number is not None else range(args.count // len(args.only))
    inputs = [(target, number) for target in args.only for number in numbers]
    earlier = (
        {outcome[:2]: outcome for outcome in read_log(args.log, args.seed)} if args.log else {}
    )
    outcomes = [earlier[item] for item in inputs if item in earlier]
    outcomes += _run([item for item in inputs if item not in earlier], args)
    counted = count_outcomes(outcomes)
    rows = [['input', *KINDS, 'longest'], ['---'] * (2 + len(KINDS))]
    for name, found in counted.items():
        longest = max(outcome.seconds for outcome in outcomes if outcome.target == name)
        rows.append([name, *(str(found[kind]) for kind in KINDS), f'{longest:.1f} s'])
    sys.stdout.write(''.join(f'| {" | ".join(row)} |\n' for row in rows))
    return int(any(found[kind] for found in counted.values() for kind in FAULTS))


def _run(inputs: list[tuple[str, int]], args: argparse.Namespace) -> list[Outcome]:
    console = Console(stderr=True)
    outcomes: list[Outcome] = []
    start = time.monotonic()
    campaign = run_campaign(inputs, args.seed, args.processes)
    with open(args.log, 'a') if args.log else contextlib.nullcontext() as log:
        for outcome in track(campaign, 'Attacks', len(inputs), console=console):
            outcomes.append(outcome)
            if log:
                log.write(json.dumps([args.seed, *outcome]) + '\n')
                log.flush()
            if outcome.kind in FAULTS or args.number is not None:
                console.print(*outcome, markup=False, highlight=False, soft_wrap=True)
            if args.minutes and time.monotonic() - start > 60 * args.minutes:
                break
    return outcomes


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m tests.fuzz', description=__doc__)
    parser.add_argument('--count', type=int, default=1100, help='inputs, over all readers')
    parser.add_argument('--minutes', type=float, help='stop after this time')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--only', nargs='+', choices=TARGETS, default=list(TARGETS))
    parser.add_argument('--number', type=int, help='run this input only')
    parser.add_argument('--log', type=Path, help='file of outcomes, to go on from')
    parser.add_argument('--processes', type=int, default=2)
    return parser.parse_args()


if __name__ == '__main__':
    raise SystemExit(main())
