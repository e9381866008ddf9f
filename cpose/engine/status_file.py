"""``status.json`` in TAO's form: one JSON object per line and event.

Source: NVIDIA TAO 6, PyTorch back end, status logging (names of keys, states and verbosities; dates
and times without leading zeros; what was measured last is repeated in lines that bring no new).
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cpose.error_places import FilePlace
from cpose.errors import OutputError, unwritable
from cpose.files.encryption_key import hide_key
from cpose.files.json_files import finite_or_null

STATUS_NAME = 'status.json'
STARTED, RUNNING, SUCCESS, FAILURE = 'STARTED', 'RUNNING', 'SUCCESS', 'FAILURE'
FINAL = (SUCCESS, FAILURE)
INFO, ERROR = 'INFO', 'ERROR'
NOT_FINITE = 'is not finite'
"""What a failure says if the values of its settings cannot be trained."""
TAIL_BYTES = 1 << 16
"""Where the last line is looked for; a line has less than 2000 bytes."""


class StatusFile:
    """Lines of events, appended; each with one system call, so no kill can leave half a line.

    Args:
        path: The file; made with its folder at the first line.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._is_ours = False

    def write(
        self,
        status: str,
        message: str,
        kpi: Mapping[str, Any] | None = None,
        verbosity: str = INFO,
        **values: Any,
    ) -> None:
        """Append a line.

        Args:
            status: STARTED, RUNNING, SUCCESS or FAILURE.
            message: What happened.
            kpi: Measured numbers by name; without, those of the line before are repeated, except
                in the first line of a job.
            verbosity: INFO or ERROR.
            **values: Further keys, for example ``epoch``.

        Raises:
            OutputError: If it cannot be written, or is a file of another kind.
        """
        self._refuse_foreign()
        if kpi is None and status != STARTED:
            kpi = (self.last_record() or {}).get('kpi')
        now = datetime.now()
        record = {
            'date': f'{now.month}/{now.day}/{now.year}',
            'time': f'{now.hour}:{now.minute}:{now.second}',
            'status': status,
            'verbosity': verbosity,
            'message': hide_key(message),
            **values,
            **({'kpi': dict(kpi)} if kpi else {}),
        }
        self._append(json.dumps(finite_or_null(record)))

    def last_record(self) -> dict[str, Any] | None:
        """Return the last complete line, or None if there is none."""
        if not self.path.is_file():
            return None
        with self.path.open('rb') as file:
            file.seek(max(0, self.path.stat().st_size - TAIL_BYTES))
            lines = file.read().splitlines()
        return next((record for line in reversed(lines) if (record := parse_line(line))), None)

    def _refuse_foreign(self) -> None:
        """Refuse to append to what is no list of events, such as an annotation of that name.

        Raises:
            OutputError: If there is such a file, or a link to one.
        """
        if self._is_ours:
            return
        if self.path.is_file():
            with self.path.open('rb') as file:
                head = file.read(TAIL_BYTES)
            records = (parse_line(line) or {} for line in head.splitlines())
            is_status = head.startswith(b'{"date"') or any('status' in item for item in records)
            if head.strip() and not is_status:
                raise OutputError(
                    'exists, and is no list of events that could go on',
                    place=FilePlace(self.path),
                    advice=('Choose another folder of results', 'Move the file'),
                )
        self._is_ours = True

    def _append(self, line: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                start = '' if _ends_with_newline(descriptor) else '\n'
                data = f'{start}{line}\n'.encode()
                if os.write(descriptor, data) < len(data):
                    raise OSError(0, 'the disk is full')
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unwritable(
                self.path, error, ('Make room', 'Choose another folder of results')
            ) from error


def parse_line(line: bytes | str) -> dict[str, Any] | None:
    """Return the object of a line, or None if the line is cut off or of another kind."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _ends_with_newline(descriptor: int) -> bool:
    """Whether a new line can start at the end; a full disk may have left half a line."""
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b'\n'
