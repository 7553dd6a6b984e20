# SPDX-License-Identifier: MIT
"""Help, version, and everything that can be wrong with a command line."""
import re
import unittest

from bench import SOURCE, BenchCase

VERBS = {
    "run": ["-o DIR", "--bench FILE", "--only NAME", "--samples N", "--boots N", "--seed N",
            "--exit-code bisect"],
    "check": [],
    "gate": ["--exit-code bisect"],
    "report": ["--format text|json|junit|csv"],
    "compare": ["--noise-floor PERCENT", "--alpha P", "--baselines DIR", "--trend"],
    "baseline pin": ["--baselines DIR"],
    "baseline list": ["--baselines DIR"],
    "baseline drop": ["--baselines DIR"],
    "off": [],
    "doctor": [],
    "probe info": [],
    "probe selftest": [],
    "probe calibrate": ["-o FILE", "--edges N", "--wiring straight|swapped", "--reference-ns NS",
                        "--reference-ppm PPM"],
    "probe capture": ["-o FILE", "--seconds N", "--edges N", "--format text|csv|vcd", "--play FILE"],
}
OPERANDS = {"run": "PLAN", "check": "FILE", "gate": "RESULT", "report": "RUN", "compare": "A B",
            "baseline pin": "NAME RUN", "baseline list": "", "baseline drop": "NAME"}  # of all others BENCH
COUNTS = {"compare": "at least two operands, ", "baseline pin": "exactly two operands, ",
          "baseline list": "exactly no operand"}  # of all others "exactly one operand, "
COMMON = ["--json", "-v, --verbose", "-q, --quiet", "-h, --help"]


class Help(BenchCase):
    def test_lists_the_verbs_and_the_exit_codes(self):
        for option in "-h", "--help":
            with self.subTest(option):
                done = self.bench.pin2pin(option)
                self.assert_exit(done, 0)
                self.assertEqual(re.findall(r"^  ([a-z]+(?: [a-z]+)?) {2,}", done.stdout, re.M), list(VERBS))
                self.assert_says(done.stdout, "0 PASS", "1 FAIL", "2 usage", "3 INCONCLUSIVE", "4 BENCH FAULT", "130 ")
                self.assertEqual(done.stderr, "")

    def test_of_a_verb_lists_its_options_and_no_others(self):
        for verb, options in VERBS.items():
            for option in "-h", "--help":
                with self.subTest(verb=verb, option=option):
                    done = self.bench.pin2pin(*verb.split(), option)
                    self.assert_exit(done, 0)
                    listed = re.findall(r"^  +(-.*?)(?:  |$)", done.stdout, re.M)
                    self.assertEqual(sorted(listed), sorted(options + COMMON))
                    usage = f"usage: pin2pin {verb} [OPTION]... {OPERANDS.get(verb, 'BENCH')}".rstrip()
                    self.assert_says(done.stdout, f"\n{usage}\n")
                    self.assertEqual(done.stderr, "")

    def test_of_a_group_lists_its_verbs(self):
        for option in "-h", "--help":
            with self.subTest(option):
                done = self.bench.pin2pin("probe", option)
                self.assert_exit(done, 0)
                self.assertEqual(re.findall(r"^  (probe [a-z]+) +BENCH ", done.stdout, re.M),
                                 [verb for verb in VERBS if verb.startswith("probe ")])
                self.assertEqual(done.stderr, "")

    def test_comes_before_what_else_is_wrong(self):
        self.assert_exit(self.bench.pin2pin("run", "-h", "one", "two"), 0)

    def test_version_is_that_of_the_project(self):
        version = re.search(r"project\(pin2pin VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)
        done = self.bench.pin2pin("--version")
        self.assert_exit(done, 0)
        self.assertEqual((done.stdout, done.stderr), (f"pin2pin {version}\n", ""))


class Refused(BenchCase):
    """Exit code 2, one line on stderr that says where help is, nothing on stdout."""

    def assert_refused(self, *arguments, says, see):
        done = self.bench.pin2pin(*arguments)
        self.assert_exit(done, 2)
        self.assertEqual(done.stderr, f"{says}; see `{see} -h`\n")
        self.assertEqual(done.stdout, "")

    def test_no_verb(self):
        self.assert_refused(says="pin2pin: expected a verb", see="pin2pin")

    def test_unknown_verb(self):
        self.assert_refused("measure", "x", says='pin2pin: "measure" is no verb', see="pin2pin")

    def test_group_without_a_verb(self):
        verbs = "info, selftest, calibrate, capture"
        self.assert_refused("probe", says=f"pin2pin probe: expected one of {verbs}", see="pin2pin probe")
        for word in "bogus", "inf", "info2", "-q", "":
            self.assert_refused("probe", word, "BENCH", see="pin2pin probe",
                                says=f'pin2pin probe: expected one of {verbs}, found "{word}"')

    def test_words_of_verbs_that_are_no_verb(self):
        for words in ["info"], ["prob", "info"], ["probe info"], ["run info"]:
            self.assert_refused(*words, says=f'pin2pin: "{words[0]}" is no verb', see="pin2pin")

    def test_unknown_option(self):
        for verb in VERBS:
            for option in ["--bogus"], ["-x"], ["-x", "FILE"], ["FILE", "-x"], ["-qx", "FILE"], ["-xq", "FILE"]:
                with self.subTest(verb=verb, option=option):
                    name = "--bogus" if option == ["--bogus"] else "-x"
                    self.assert_refused(*verb.split(), *option, says=f"pin2pin {verb}: {name} is no option of this verb",
                                        see=f"pin2pin {verb}")

    def test_option_of_another_verb(self):
        self.assert_refused("check", "--samples", "5", "x", says="pin2pin check: --samples is no option of this verb",
                            see="pin2pin check")
        self.assert_refused("report", "-o", "x", "y", says="pin2pin report: -o is no option of this verb",
                            see="pin2pin report")
        self.assert_refused("probe", "info", "-o", "x", "y", says="pin2pin probe info: -o is no option of this verb",
                            see="pin2pin probe info")

    def test_inner_name_of_an_option_is_none(self):
        for letter in "BOsbSFEJwtnfpiruNADT":
            self.assert_refused("run", f"-{letter}", "x", says=f"pin2pin run: -{letter} is no option of this verb",
                                see="pin2pin run")
            self.assert_refused("probe", "capture", f"-{letter}", "x", see="pin2pin probe capture",
                                says=f"pin2pin probe capture: -{letter} is no option of this verb")

    def test_missing_value(self):
        for option in "--samples", "--bench", "-o":
            with self.subTest(option):
                self.assert_refused("run", "PLAN", option, says=f"pin2pin run: {option} needs a value", see="pin2pin run")

    def test_value_of_an_option_that_takes_none(self):
        self.assert_refused("run", "--json=yes", "PLAN", says="pin2pin run: --json=yes: this option takes no value",
                            see="pin2pin run")

    def test_number_out_of_range_or_none(self):
        limits = {"--samples": (1, 1000000000), "--boots": (1, 1000), "--seed": (0, 9007199254740991)}
        for option, (low, high) in limits.items():
            for value in low - 1, high + 1, 1 << 64, "", "ten", "1x", " 1", "+1", "1.0", "0x10":
                with self.subTest(option=option, value=value):
                    self.assert_refused(
                        "run", option, value, "PLAN", see="pin2pin run",
                        says=f'pin2pin run: {option}: expected a number from {low} to {high}, found "{value}"')

    def test_whole_number_of_the_probe_out_of_range_or_none(self):
        for option, high in ("--seconds", 31536000), ("--edges", 1000000000):
            for value in 0, high + 1, "", "1.5", "-1":
                with self.subTest(option=option, value=value):
                    self.assert_refused(
                        "probe", "capture", option, value, "BENCH", see="pin2pin probe capture",
                        says=f'pin2pin probe capture: {option}: expected a number from 1 to {high}, found "{value}"')

    def test_decimal_number_out_of_range_or_none(self):
        limits = {"--reference-ns": (1000, 10000000000), "--reference-ppm": (0, 1000)}
        for option, (low, high) in limits.items():
            for value in low - 1, high + 0.1, "", "x", "1x", " 1", "+1", "1e", "0x10", "nan", "inf", "1.2.3", "1,5":
                with self.subTest(option=option, value=value):
                    self.assert_refused(
                        "probe", "calibrate", option, value, "BENCH", see="pin2pin probe calibrate",
                        says=f"pin2pin probe calibrate: {option}: expected a number from {low} to {high}, "
                             f'found "{value}"')

    def test_decimal_number_of_a_comparison_out_of_range(self):
        limits = {"--noise-floor": ("0", "100"), "--alpha": ("0.0001", "0.5")}
        for option, (low, high) in limits.items():
            for value in "-1", "101", "", "x", "1%", "nan":
                with self.subTest(option=option, value=value):
                    self.assert_refused(
                        "compare", option, value, "A", "B", see="pin2pin compare",
                        says=f'pin2pin compare: {option}: expected a number from {low} to {high}, found "{value}"')

    def test_number_at_its_limits(self):
        for option, value in ("--samples", 1000000000), ("--boots", 1000), ("--seed", 9007199254740991), ("--seed", 0):
            with self.subTest(option=option, value=value):
                done = self.bench.pin2pin("run", option, value, "nowhere.plan.json")
                self.assert_says(done.stderr, "nowhere.plan.json: cannot open")

    def test_word_that_is_no_choice(self):
        self.assert_refused("report", "--format", "xml", "RUN", see="pin2pin report",
                            says='pin2pin report: --format: expected text|json|junit|csv, found "xml"')
        for word in "xml", "json", "text|csv", "tex", "", "|":
            self.assert_refused("probe", "capture", "--format", word, "BENCH", see="pin2pin probe capture",
                                says=f'pin2pin probe capture: --format: expected text|csv|vcd, found "{word}"')
        self.assert_refused("probe", "calibrate", "--wiring", "crossed", "BENCH", see="pin2pin probe calibrate",
                            says='pin2pin probe calibrate: --wiring: expected straight|swapped, found "crossed"')
        self.assert_refused("gate", "--exit-code", "git", "RESULT", see="pin2pin gate",
                            says='pin2pin gate: --exit-code: expected bisect, found "git"')

    def test_wrong_number_of_operands(self):
        for verb in VERBS:
            for arguments in [], ["one"], ["one", "two"], ["one", "--json", "two"], ["one", "two", "three"]:
                count = len(arguments) - ("--json" in arguments)
                if count == {"baseline pin": 2, "baseline list": 0}.get(verb, 1) or verb == "compare" and count > 1:
                    continue
                with self.subTest(verb=verb, arguments=arguments):
                    self.assert_refused(*verb.split(), *arguments, see=f"pin2pin {verb}",
                                        says=f"pin2pin {verb}: expected {COUNTS.get(verb, 'exactly one operand, ')}"
                                             f"{OPERANDS.get(verb, 'BENCH')}")

    def test_group_of_baselines(self):
        self.assert_refused("baseline", see="pin2pin baseline", says="pin2pin baseline: expected one of pin, list, drop")

    def test_operand_that_starts_with_a_dash(self):
        done = self.bench.pin2pin("check", "--", "-x")
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "-x: cannot open")


if __name__ == "__main__":
    unittest.main()
