# SPDX-License-Identifier: GPL-2.0-or-later
"""The experiments: their settings, the checks that refuse a run, and the pages of results/.

Bash asks for what it needs with `python3 -m spicetap_lab COMMAND`; people use scripts/results.py.
"""

import json
import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIGS = os.path.join(TOP, "guest-configs")


class LabError(Exception):
    """Something the caller can mend. It is printed once, without a traceback."""


def read_text(path):
    """The text of a file; "" where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def read_json(path):
    """The value in a JSON file; None where there is none or it is not JSON."""
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return None


def option(command_line, name):
    """The word after an option in a command line; "" if there is none."""
    return command_line[command_line.index(name) + 1] if name in command_line[:-1] else ""
