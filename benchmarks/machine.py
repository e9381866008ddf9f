"""Facts of the machine and how much of it other processes use."""

import os
import platform
import resource
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ISA_FLAGS = (
    'avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'avx512_bf16', 'avx512_fp16', 'amx_bf16',
    'amx_int8', 'asimd', 'sve',
)  # fmt: skip
"""Instruction sets that decide the speed of networks, by their names in Linux."""

PACKAGES = ('torch', 'onnxruntime', 'opencv-python', 'timm', 'numpy', 'scipy')
CPUINFO, STAT = Path('/proc/cpuinfo'), Path('/proc/stat')


def machine_facts() -> dict[str, str]:
    """Return processor, cores, instruction sets, memory and versions in words."""
    facts = {'processor': platform.processor() or platform.machine(), 'cores': str(count_cores())}
    if CPUINFO.exists():
        lines = (line.partition(':') for line in CPUINFO.read_text().splitlines())
        info = {name.strip(): value.strip() for name, _, value in lines}
        facts['processor'] = info.get('model name', facts['processor'])
        flags = (info.get('flags') or info.get('Features') or '').split()
        facts['instruction sets'] = ', '.join(name for name in ISA_FLAGS if name in flags)
    gigabytes = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    facts['memory'] = f'{gigabytes:.0f} GiB'
    facts['system'] = platform.system()
    facts['python'] = platform.python_version()
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = 'not installed'
    return facts


def count_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class ForeignLoad:
    """How many cores other processes used, on average, since this object was made."""

    start: tuple[float, float, float] = field(default_factory=lambda: _used_seconds())

    def cores(self) -> float | None:
        """Return the average, or None where the system does not tell."""
        if not STAT.exists():
            return None
        wall, busy, own = (
            now - then for now, then in zip(_used_seconds(), self.start, strict=True)
        )
        return max(busy - own, 0.0) / wall if wall > 0 else 0.0


def _used_seconds() -> tuple[float, float, float]:
    """Return the clock, the busy time of all cores and of this process and its ended children."""
    busy = 0.0
    if STAT.exists():
        user, nice, system, _, _, irq, softirq, steal = (
            int(ticks) for ticks in STAT.read_text().split()[1:9]
        )
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf('SC_CLK_TCK')
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own = sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))
    return time.perf_counter(), busy, own
