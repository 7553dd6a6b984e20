#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The schema of calibration files takes what the program takes, and refuses all that a schema can refuse.

usage: test_schema.py SOURCE_DIR
"""

import json
import pathlib
import sys

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "config"))
from test_schemas import read  # pylint: disable=wrong-import-position

# Rules between keys, and 1.25e8, which is an integer to JSON Schema: only the program can refuse these.
PROGRAM_ONLY = {
    "cable-edited",
    "complete-false",
    "partial-complete",
    "skew-edited",
    "tick-hz-real",
    "u-edited",
}


def main():
    root = pathlib.Path(sys.argv[1])
    tests = root / "tests/unit/calibration"
    schema = json.loads((root / "docs/schema/calibration.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = sorted((tests / "good").glob("*.json"))
    bad = sorted((tests / "bad").glob("*.json"))
    complaints = [] if good and bad else ["no files to check"]

    for path in good:
        for error in validator.iter_errors(read(path)):
            complaints.append(f"{path}: refused by the schema: {error.json_path}: {error.message}")
    for path in bad:
        value = read(path)
        taken = value is not None and validator.is_valid(value)
        if taken != (path.stem in PROGRAM_ONLY):
            complaints.append(f"{path}: {'taken' if taken else 'refused'} by the schema: see PROGRAM_ONLY")
    for name in PROGRAM_ONLY - {path.stem for path in bad}:
        complaints.append(f"bad/{name}.json: named in PROGRAM_ONLY, but not there")
    for complaint in complaints:
        print(complaint)
    print(f"{len(good)} good, {len(bad)} bad files")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
