#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check_schema.py SCHEMA FILE...: is each file JSON by the schema? Names what is not."""

import json
import sys

import jsonschema


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    bad = 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as f:
            found = sorted(check.iter_errors(json.load(f)), key=lambda e: list(map(str, e.path)))
        bad += len(found)
        for error in found[:5]:
            print(f"{path}: {'/'.join(map(str, error.path))}: {error.message[:300]}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
