#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The JSON Schemas take what the program takes, and refuse all that a schema can refuse.

usage: test_schemas.py SOURCE_DIR
"""

import json
import pathlib
import sys

import jsonschema

# 1.0 is an integer to JSON Schema, and it knows no rules between keys (files named cross-*): only the program can refuse
# these.
PROGRAM_ONLY = {
    "plan": {"type-samples-integral-real", "version-real"},
    "bench": {"clk-hz-no-divisor", "pins-equal", "pins-equal-last"},
}


class NotJson(Exception):
    """Malformed to a strict reader; Python's own reader is laxer than ours."""


def strict_object(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)) or any("\0" in key for key in keys):
        raise NotJson
    return dict(pairs)


def strict_integer(text):
    if not -(2**63) <= int(text) < 2**63:
        raise NotJson
    return int(text)


def strict_real(text):
    if float(text) in (float("inf"), float("-inf")):
        raise NotJson
    return float(text)


def refuse(_):
    raise NotJson


def read(path):
    """The file's value, or None where the program already refuses the form of the file."""
    try:
        text = path.read_bytes().decode("utf-8")
        value = json.loads(text, object_pairs_hook=strict_object, parse_int=strict_integer,
                           parse_float=strict_real, parse_constant=refuse)
    except (NotJson, ValueError, RecursionError):
        return None
    if not isinstance(value, (dict, list)) or "\\u0000" in text or "\\ud800" in text:
        return None
    return value


def check_kind(root, kind):
    """The complaints about one schema."""
    schema = json.loads((root / f"docs/schema/{kind}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    tests = root / "tests/unit/config"
    shipped = sorted((root / "fixtures").glob(f"*/*.{kind}.json"))
    good = sorted((tests / "good" / kind).glob("*.json"))
    bad = sorted((tests / "bad" / kind).glob("*.json"))
    complaints = []

    if not (shipped and good and bad):
        complaints.append(f"{kind}: no files to check")
    for path in shipped + good:
        for error in validator.iter_errors(read(path)):
            complaints.append(f"{path}: refused by the schema: {error.json_path}: {error.message}")
    for path in bad:
        value = read(path)
        if value is None:
            continue
        taken = validator.is_valid(value)
        if taken != (path.stem in PROGRAM_ONLY[kind] or path.stem.startswith("cross-")):
            complaints.append(f"{path}: {'taken' if taken else 'refused'} by the schema: see PROGRAM_ONLY")
    for name in PROGRAM_ONLY[kind] - {path.stem for path in bad}:
        complaints.append(f"bad/{kind}/{name}.json: named in PROGRAM_ONLY, but not there")
    print(f"{kind}: {len(shipped)} shipped, {len(good)} good, {len(bad)} bad files")
    return complaints


def main():
    root = pathlib.Path(sys.argv[1])
    complaints = [complaint for kind in PROGRAM_ONLY for complaint in check_kind(root, kind)]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
