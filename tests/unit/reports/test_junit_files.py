#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The golden JUnit reports by others' eyes: xmllint with our schema, and junitparser, whose counts must be the file's.

usage: test_junit_files.py SOURCE_DIR
"""
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

from junitparser import Error, Failure, JUnitXml, Skipped

EXPECTED = {  # name: its cases, and what they came to
    "verdicts": [("(run)", None), ("native", None), ("slow", Failure), ("short", Skipped), ("broken", Error)],
    "incomplete": [("(run)", Error), ("native", None)],
    "before": [("(run)", None), ("native", Error)],
}
OUTCOMES = {"failures": Failure, "errors": Error, "skipped": Skipped}


def check(path):
    (suite,) = JUnitXml.fromfile(str(path))
    cases = [(case.name, type(case.result[0]) if case.result else None) for case in suite]
    assert cases == EXPECTED[path.stem], f"{path}: {cases}"
    assert suite.tests == len(cases), path
    for attribute, outcome in OUTCOMES.items():
        assert getattr(suite, attribute) == sum(kind is outcome for _, kind in cases), f"{path}: {attribute}"
    for case in suite:
        assert not case.result or case.result[0].message, f"{path}: {case.name} does not say why"
    names = [node.get("name") for node in xml.etree.ElementTree.parse(path).iter("property")]
    assert len(names) == len(set(names)), f"{path}: a property twice"


def main():
    source = pathlib.Path(sys.argv[1])
    paths = sorted((source / "tests/golden/junit").glob("*.xml"))
    assert [path.stem for path in paths] == sorted(EXPECTED), paths
    subprocess.run(["xmllint", "--noout", "--nonet", "--schema", source / "docs/schema/junit.xsd", *paths], check=True)
    for path in paths:
        check(path)


if __name__ == "__main__":
    main()
