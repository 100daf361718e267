#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""results/: its pages, and rows beside rows. The commands for people out of scripts/spicetap_lab."""

import sys

from spicetap_lab import cli

sys.exit(cli.main("scripts/results.py", "What results/ says, and whether it is current.", (cli.for_people,)))
