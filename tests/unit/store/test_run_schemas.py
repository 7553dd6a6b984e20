#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The schemas of result.json and boot.json take the golden run's files and those of today, and no file with anything
left out, added or of another type.

usage: test_run_schemas.py SOURCE_DIR
"""

import copy
import json
import pathlib
import sys

import jsonschema

# Values that no place of these files takes ("" is a reason, and so are most texts).
WRONG = [[], -1, 1.5, "\u00fc\n"]
# Where a real number stands.
REAL = {"wall_s", "avg_ns", "uncertainty_ns", "avg_uncertainty_ns", "max_error_ns", "mean_error_ns", "quantisation_ns",
        "skew_ns", "trigger_ns", "timebase_ppm", "skew_correction_ns", "mean_late_ns", "variance_ns2",
        "between_boots_ns", "within_boot_ns", "at_most", "ratio", "low", "high"}
# Where an array may be empty.
MAY_BE_EMPTY = {"baselines", "order", "relative", "boot_figures"}
# Where it may be negative.
SIGNED = {"mean_error_ns", "skew_correction_ns"}
# What the first files of version 1 do not have, in its parent; files of today have all of it.
NEW_IN_PROBE = {"serial": "probe", "firmware": "probe", "budget": "probe"}
NEW = {
    "result": {**NEW_IN_PROBE, "avg_uncertainty_ns": "stats", "truth": 0, "wiring": None, "baselines": None,
               "order": None, "confirm_boots": "plan", "p99_9_ns": "limits", "intervals": "stats", "set": 0, "stub": 0,
               "stub_path": 0, "spread": 0, "outliers": 0, "exceedance": 0, "relative": 0, "confirmation": 0,
               "boot_figures": 0, "control": 0, "number": 0},
    "boot": {**NEW_IN_PROBE, "tries": None, "failed_try": None, "schedule": None, "confirmation": None, "files": None},
}
# Where null tells that there is none.
NULLABLE = {
    "result": {"probe", "avg_ns", "min_ns", "max_ns", "warm_max_ns", "p50_ns", "p99_ns", "p99_9_ns", "uncertainty_ns",
               "avg_uncertainty_ns", "truth", "max_error_ns", "mean_error_ns", "wiring", "set", "stub", "stub_path",
               "spread", "outliers", "exceedance", "confirmation", "upper_95", "lower_95", "samples_needed", "baseline",
               "ratio", "low", "high"},
    "boot": {"fault", "probe", "xen", "stub", "counters", "version", "debug", "scheduler", "command_line",
             "failed_try", "schedule", "edges_digest", "truth_digest"},
}


def places(value, path=()):
    """The paths of all objects' members, and of the first element of each array."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield path + (key,)
            yield from places(member, path + (key,))
    elif isinstance(value, list) and value:
        yield from places(value[0], path + (0,))


def with_change(value, path, change):
    """A copy in which `change(parent, key)` was done at the path."""
    result = copy.deepcopy(value)
    parent = result
    for step in path[:-1]:
        parent = parent[step]
    change(parent, path[-1])
    return result


def without(parent, key):
    del parent[key]


def with_stranger(parent, _):
    parent["stranger"] = 0


def setting(value):
    def change(parent, key):
        parent[key] = value
    return change


def is_new(kind, path):
    return path[0] != "baselines" and NEW[kind].get(path[-1], "") == (path[-2] if len(path) > 1 else None) or \
        path == ("baselines",)


def may_be_null(kind, path, value):
    if path[-1] == "uncertainty_ns" and "probe" in path or path == ("version",):
        return False
    if kind == "boot" and path == ("probe",):
        return not value["complete"]
    if len(path) > 2 and path[-3] == "boot_figures":
        return path[-1] == "warm_max_ns"
    if "control" in path or len(path) > 2 and path[-3] == "intervals":
        return False
    if path[0] == "baselines" and path[-1] == "baseline":
        return False
    return path[-1] in NULLABLE[kind]


def broken(kind, value):
    """(what was done, the broken value) for every place of the file."""
    for path in places(value):
        if not is_new(kind, path):
            yield f"without {path}", with_change(value, path, without)
        yield f"stranger beside {path}", with_change(value, path, with_stranger)
        for wrong in WRONG:
            may_be = (wrong == 1.5 and path[-1] in REAL or wrong == -1 and path[-1] in SIGNED or
                      wrong == [] and path[-1] in MAY_BE_EMPTY)
            if not may_be:
                yield f"{path} = {wrong!r}", with_change(value, path, setting(wrong))
        if not may_be_null(kind, path, value):
            yield f"{path} = null", with_change(value, path, setting(None))


def check_today(kind, path):
    """The complaints about a file that is to have every key of today."""
    found = {place[-1] for place in places(json.loads(path.read_text())) if is_new(kind, place)}
    wanted = set(NEW[kind])
    return [] if found == wanted else [f"{path}: {sorted(found)} of {sorted(wanted)} are there"]


def check_kind(root, kind, files):
    """The complaints about one schema."""
    schema = json.loads((root / f"docs/schema/{kind}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    complaints = [] if files else [f"{kind}: no files to check"]
    variants = 0

    for path in files:
        value = json.loads(path.read_text())
        for error in validator.iter_errors(value):
            complaints.append(f"{path}: refused: {error.json_path}: {error.message}")
        for place in places(value):
            if may_be_null(kind, place, value) and not validator.is_valid(with_change(value, place, setting(None))):
                complaints.append(f"{path}: {place} = null is refused")
            if is_new(kind, place) and not validator.is_valid(with_change(value, place, without)):
                complaints.append(f"{path}: refused without {place}")
        for done, variant in broken(kind, value):
            variants += 1
            if validator.is_valid(variant):
                complaints.append(f"{path}: taken with {done}")
    print(f"{kind}: {len(files)} files, {variants} broken variants")
    return complaints


def main():
    root = pathlib.Path(sys.argv[1])
    run = root / "tests/golden/run-v1"
    good = sorted((root / "tests/unit/store/good").glob("*.json"))
    boots = root / "tests/golden/boots"
    today = root / "tests/golden/run-v1.result.json"
    whole = root / "tests/unit/store/good/all-of-today.json"
    complaints = check_kind(root, "result", [run / "result.json", today] + good)
    complaints += check_kind(root, "boot", sorted(run.glob("*/boot-*/boot.json")) + sorted(boots.glob("*.json")))
    complaints += check_today("result", whole) + check_today("boot", boots / "tried.json")
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
