"""The project's folder on the import path."""

import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))
