"""What all benchmarks share: timing, figures, their JSON file and their table.

A figure is a dict ``name, value, unit, reference, reference_source, ratio, note``; a script writes
a list of them with ``--out``.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

TAO_MACHINE = 'TAO PyTorch 6.25.10, 2-core Xeon at 2.5 GHz'
"""Source of the published times: another machine, so that these ratios are only indicative."""

SAME_RUN = 'in the same run'
RATES = ('images/s',)
"""Units of which more is better; of all others less is."""

WARM_UP = 3


@dataclass(frozen=True)
class Figure:
    """One measured number beside what it is compared with.

    Attributes:
        name: What was measured.
        value: The number, a median where it is a time.
        unit: Its unit.
        reference: The number it is compared with, in the same unit.
        reference_source: Where the reference comes from.
        note: What else a reader must know.
    """

    name: str
    value: float
    unit: str
    reference: float | None = None
    reference_source: str = ''
    note: str = ''

    @property
    def ratio(self) -> float | None:
        """How many times better than the reference."""
        if self.reference is None:
            return None
        if self.unit in RATES:
            return self.value / self.reference
        return self.reference / self.value


@dataclass(frozen=True)
class Timing:
    """Milliseconds of a call.

    Attributes:
        median: Median wall time.
        fastest: Least wall time.
        processor: Median processor time of all threads.
    """

    median: float
    fastest: float
    processor: float

    def per(self, count: int) -> 'Timing':
        """Return the time of one of ``count`` equal parts."""
        return Timing(self.median / count, self.fastest / count, self.processor / count)

    @property
    def note(self) -> str:
        """Fastest run and processor time in words: what counts if the machine was shared."""
        fastest, processor = format_number(self.fastest), format_number(self.processor)
        return f'fastest run {fastest} ms, processor time {processor} ms'


class Clocked(NamedTuple):
    """Milliseconds of one run: wall time and processor time of all threads."""

    wall: float
    processor: float


def clock(call: Callable[[], Any]) -> Clocked:
    """Run a call once; one that clocks itself returns its own times."""
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    if isinstance(result, Clocked):
        return result
    return Clocked(1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - processor))


def time_calls(
    calls: Mapping[str, Callable[[], Any]], runs: int, warm_up: int = WARM_UP
) -> dict[str, Timing]:
    """Time several calls in turn, so that a disturbance hits all of them."""
    clocked: dict[str, list[Clocked]] = {name: [] for name in calls}
    for run in range(warm_up + runs):
        for name, call in calls.items():
            times = clock(call)
            if run >= warm_up:
                clocked[name].append(times)
    return {name: summarise(times) for name, times in clocked.items()}


def summarise(times: Sequence[Clocked]) -> Timing:
    """Return the medians and the fastest of several runs."""
    walls, processors = zip(*times, strict=True)
    return Timing(statistics.median(walls), min(walls), statistics.median(processors))


def time_call(call: Callable[[], Any], runs: int, warm_up: int = WARM_UP) -> Timing:
    """Time one call."""
    return time_calls({'call': call}, runs, warm_up)['call']


def benchmark_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments of every benchmark."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--quick', action='store_true', help='fewer runs')
    parser.add_argument('--out', type=Path, metavar='JSON', help='write the figures')
    return parser


def publish(title: str, figures: Sequence[Figure], out: Path | None) -> None:
    """Print the figures as a table and write them if a file is named."""
    print_figures(title, figures)
    if out:
        out.write_text(json.dumps([to_record(figure) for figure in figures], indent=1) + '\n')


def to_record(figure: Figure) -> dict[str, Any]:
    """Return a figure as it is stored, with its ratio."""
    return {**asdict(figure), 'ratio': figure.ratio}


def from_record(record: Mapping[str, Any]) -> Figure:
    """Return a stored figure."""
    return Figure(**{name: value for name, value in record.items() if name != 'ratio'})


def print_figures(title: str, figures: Sequence[Figure]) -> None:
    """Print figures as a table."""
    table = Table(title=title, title_justify='left', title_style='bold')
    for name in ('figure', 'here', 'reference', 'ratio', 'compared with', 'note'):
        table.add_column(name, justify='right' if name in ('here', 'reference', 'ratio') else None)
    for figure in figures:
        table.add_row(*table_cells(figure))
    Console().print(table)


def table_cells(figure: Figure) -> tuple[str, ...]:
    """Return name, value, reference, ratio, source and note in words."""
    reference = ratio = ''
    if figure.reference is not None and figure.ratio is not None:
        reference = f'{format_number(figure.reference)} {figure.unit}'
        ratio = f'{format_number(figure.ratio)}×'
    value = f'{format_number(figure.value)} {figure.unit}'
    return figure.name, value, reference, ratio, figure.reference_source, figure.note


def format_number(value: float) -> str:
    """Return three significant digits, or all digits of a whole number."""
    if value == int(value) or abs(value) >= 1000:
        return f'{value:,.0f}'
    return f'{value:#.3g}'.rstrip('.')
