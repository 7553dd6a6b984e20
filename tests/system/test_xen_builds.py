# SPDX-License-Identifier: MIT
"""fixtures/xen/build, with a machine that is faked by programs put first in PATH; and the real Xens that it built."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from bench import SOURCE, XEN, BenchCase, check_schema, wait_until

VARIANTS = {"4.20-schedulers": False, "4.20-debug": True}  # name: debug
SCHEDULERS = ["arinc653", "credit", "credit2", "null", "rtds"]
SAMPLES = 20
TIMEOUT_S = 60

SERIES = "# Debian's\nfirst.patch\n"
PATCH = "--- a/xen/version\n+++ b/xen/version\n@@ -1 +1 @@\n-plain\n+{}\n"
CHANGELOG = "xen (4.20.1-2) trixie; urgency=medium\n\n -- Somebody <x@example.org>  Fri, 31 Jul 2026 21:59:26 +0000\n"

# Make's stand-in. Configured with CONFIG_LOST it drops the option, as Kconfig does; the image tells what went into it.
MAKE = """
while [ "$1" != -C ]; do shift; done
cd "$2"
echo "$*" >>"$CALLS"
case "$*" in
*olddefconfig*)
    sed -i /CONFIG_LOST/d .config
    echo CONFIG_SCHED_CREDIT2=y >>.config
    ;;
*)
    grep -q CONFIG_BROKEN=y .config && echo "error: broken" >&2 && exit 2
    while grep -q CONFIG_SLOW=y .config; do sleep 0.1; done
    { cat version .config; echo "$SOURCE_DATE_EPOCH $DEB_VERSION $DEB_MAINTAINER"; } >xen
    ;;
esac
"""

# The mirror lacks trixie-security's files, as a mirror that is being updated does.
APT_GET = """
case "$*" in
*indextargets*) echo bookworm http://mirror.invalid/debian/ ;;
*update*) echo list >>"$CALLS" ;;
*"trixie-security xen"*) echo "E: 404" >&2; exit 100 ;;
*tar-only*) echo tar >>"$CALLS"; cp "$PACKAGE"/*.orig.tar.xz . ;;
*diff-only*) cp "$PACKAGE"/*.debian.tar.xz . ;;
*) exit 100 ;;
esac
"""


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Build(unittest.TestCase):
    """The script in a tree of its own: what it fetches, compiles, keeps and says."""

    def setUp(self):
        self.work = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="pin2pin-xen-")))
        self.tree, self.fakes, self.calls = self.work / "tree", self.work / "bin", self.work / "calls"
        self.output = self.tree / "build/xen"
        self.script = self.tree / "fixtures/xen/build"
        shutil.copytree(SOURCE / "fixtures/setup", self.tree / "fixtures/setup")
        shutil.copytree(SOURCE / "fixtures/xen", self.tree / "fixtures/xen")
        for patch in self.script.parent.glob("patches/*"):
            patch.unlink()
        (self.script.parent / "patches/ours.patch").write_text(PATCH.format("ours").replace("-plain", "-debian"))
        self.variant("4.20-test", "CONFIG_SCHED_NULL=y")
        self.fakes.mkdir()
        self.calls.touch()
        self.fake("make", MAKE)
        self.fake("apt-get", APT_GET)
        self.fake("aarch64-linux-gnu-gcc", "echo gcc 1")
        self.fake("aarch64-linux-gnu-ld", "echo ld 1")
        (self.work / "os-release").write_text("ID=debian\nVERSION_ID=12\n")
        self.pack()

    def fake(self, name, body):
        (self.fakes / name).write_text("#!/bin/sh\n" + body)
        (self.fakes / name).chmod(0o755)

    def variant(self, name, *options):
        (self.script.parent / f"variants/{name}.config").write_text("\n".join(["# a comment", *options, ""]))

    def pack(self):
        """Debian's source package of a Xen of one file."""
        package = self.work / "package"
        for name, text in {"up/xen-4.20.1/xen/version": "plain\n", "debian/changelog": CHANGELOG,
                           "debian/xen-kconfig": "CONFIG_DEBUG=n\n", "debian/patches/series": SERIES,
                           "debian/patches/first.patch": PATCH.format("debian")}.items():
            path = package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for tar, folder, content in (("xen_4.20.1.orig.tar.xz", "up", "xen-4.20.1"),
                                     ("xen_4.20.1-2.debian.tar.xz", ".", "debian")):
            subprocess.run(["tar", "-cJf", package / tar, "-C", package / folder, content], check=True)

    def environment(self):
        return {"PATH": f"{self.fakes}:{os.environ['PATH']}", "OS_RELEASE": str(self.work / "os-release"),
                "CALLS": str(self.calls), "PACKAGE": str(self.work / "package"), "LC_ALL": "C.UTF-8"}

    def build(self, *arguments, code=0):
        done = subprocess.run([self.script, *map(str, arguments)], env=self.environment(), cwd=self.work, check=False,
                              capture_output=True, text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual([*self.output.glob("*.tmp")], [])
        return done.stdout if code == 0 else done.stderr

    def compilations(self):
        return len(re.findall(r"^-C .* -j", self.calls.read_text(), re.MULTILINE))

    def xen_json(self, name="4.20-test"):
        return json.loads((self.output / name / "xen.json").read_text())

    # ---- What is built ----

    def test_the_image_is_of_both_patches_and_both_configurations(self):
        self.build("4.20-test")
        image = (self.output / "4.20-test/xen").read_text()
        self.assertRegex(image, r"\Aours\nCONFIG_DEBUG=n\n# a comment\nCONFIG_SCHED_NULL=y\n")
        self.assertIn("1785535166 4.20.1-2 pin2pin <4.20-test@pin2pin>", image)

    def test_xen_json_describes_it(self):
        self.build("4.20-test")
        described = self.xen_json()
        check_schema("xen", described)
        self.assertEqual((described["name"], described["xen_version"], described["debug"], described["schedulers"]),
                         ("4.20-test", "4.20", False, ["credit2", "null"]))
        self.assertEqual(described["image_sha256"], sha256(self.output / "4.20-test/xen"))

    def test_a_debug_build_says_so(self):
        self.variant("4.20-test", "CONFIG_DEBUG=y")
        self.build("4.20-test")
        self.assertIs(self.xen_json()["debug"], True)

    def test_another_folder(self):
        self.build("--output", "elsewhere", "4.20-test")
        self.assertTrue((self.work / "elsewhere/4.20-test/xen").exists())
        self.assertFalse(self.output.exists())

    # ---- When ----

    def test_what_is_current_is_left_alone(self):
        self.build("4.20-test")
        before = (self.output / "4.20-test/xen").stat()
        self.assertEqual(self.build("4.20-test"), "")
        self.assertEqual((self.output / "4.20-test/xen").stat(), before)
        self.assertEqual(self.compilations(), 1)
        self.assertEqual(self.calls.read_text().count("tar\n"), 1)

    def test_every_input_counts(self):
        self.build("4.20-test")
        seen = {self.xen_json()["inputs_sha256"]}
        changes = {
            "variant": lambda: self.variant("4.20-test", "CONFIG_SCHED_RTDS=y"),
            "patch": lambda: (self.script.parent / "patches/ours.patch").write_text(
                PATCH.format("new").replace("-plain", "-debian")),
            "script": lambda: self.script.write_text(self.script.read_text() + "# changed\n"),
            "compiler": lambda: self.fake("aarch64-linux-gnu-gcc", "echo gcc 2"),
            "linker": lambda: self.fake("aarch64-linux-gnu-ld", "echo ld 2"),
            "source": lambda: shutil.rmtree(self.output / ".source"),
        }
        for what, change in changes.items():
            with self.subTest(what):
                if what == "source":
                    (self.work / "package/up/xen-4.20.1/xen/new").touch()
                    self.pack()
                change()
                self.assertIn("building 4.20-test", self.build("4.20-test"))
                self.assertNotIn(self.xen_json()["inputs_sha256"], seen)
                seen.add(self.xen_json()["inputs_sha256"])

    def test_another_variant_is_none_of_its_business(self):
        self.build("4.20-test")
        self.variant("4.20-other", "CONFIG_SCHED_RTDS=y")
        self.assertEqual(self.build("4.20-test"), "")

    def test_a_damaged_image_is_built_again(self):
        self.build("4.20-test")
        (self.output / "4.20-test/xen").write_text("damaged")
        self.build("4.20-test")
        self.assertEqual(self.xen_json()["image_sha256"], sha256(self.output / "4.20-test/xen"))

    # ---- What can go wrong ----

    def test_an_option_that_kconfig_drops(self):
        self.variant("4.20-test", "CONFIG_LOST=y")
        self.assertIn("Kconfig did not take CONFIG_LOST=y", self.build("4.20-test", code=1))

    def test_a_failed_build_leaves_the_old_one(self):
        self.build("4.20-test")
        before = sha256(self.output / "4.20-test/xen")
        self.variant("4.20-test", "CONFIG_BROKEN=y")
        said = self.build("4.20-test", code=1)
        self.assertIn("error: broken", said)
        self.assertIn(f"cannot build 4.20-test; all of it is in {self.output}/4.20-test.log", said)
        self.assertEqual(sha256(self.output / "4.20-test/xen"), before)

    def test_a_patch_that_does_not_fit(self):
        (self.script.parent / "patches/ours.patch").write_text(PATCH.format("ours"))
        self.assertIn("FAILED", self.build("4.20-test", code=1))

    def test_a_source_package_of_another_version(self):
        self.variant("4.19-test")
        said = self.build("4.19-test", code=1)
        self.assertIn("4.19-test: Debian's source package is of Xen 4.20.1-2", said)

    def test_no_source_package(self):
        self.fake("apt-get", APT_GET.replace("*tar-only*)", "*nothing*)"))
        said = self.build("4.20-test", code=1)
        self.assertIn("cannot fetch Debian's source package of Xen", said)

    def test_wrong_usage(self):
        for arguments in ([], ["--output"], ["--wrong"], ["4.20-nothing"], ["4.20-test", "4.20-nothing"]):
            with self.subTest(arguments):
                self.assertIn("usage: fixtures/xen/build", self.build(*arguments, code=2))
        self.assertIn("4.20-test\n", self.build("--help"))
        self.assertFalse(self.output.exists())

    def start_slow(self):
        self.variant("4.20-slow", "CONFIG_SLOW=y")
        slow = subprocess.Popen([self.script, "4.20-slow"], env=self.environment(), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(slow.wait)
        self.addCleanup(self.end_slow)
        wait_until(lambda: self.compilations() == 1, TIMEOUT_S, "the slow build")
        return slow

    def end_slow(self):
        for config in self.output.glob("*.tmp/tree/xen/.config"):
            config.write_text("")

    def test_interrupted_it_leaves_nothing_half(self):
        slow = self.start_slow()
        os.killpg(slow.pid, signal.SIGINT)
        self.assertNotEqual(slow.wait(TIMEOUT_S), 0)
        self.assertEqual(sorted(path.name for path in self.output.iterdir()),
                         [".lock", ".source", "4.20-slow.log", "source.log"])

    def test_killed_it_is_no_obstacle(self):
        slow = self.start_slow()
        os.killpg(slow.pid, signal.SIGKILL)
        slow.wait(TIMEOUT_S)
        self.assertFalse((self.output / "4.20-slow").exists())
        self.variant("4.20-slow")
        self.build("4.20-slow")

    def test_two_at_once_go_one_after_the_other(self):
        slow = self.start_slow()
        with subprocess.Popen([self.script, "4.20-test"], env=self.environment(), stdout=subprocess.PIPE) as other:
            with self.assertRaises(subprocess.TimeoutExpired):
                other.wait(3)  # a whole build of a file takes less
            self.assertFalse((self.output / "4.20-test.log").exists())
            self.end_slow()
            self.assertEqual((slow.wait(TIMEOUT_S), other.wait(TIMEOUT_S)), (0, 0))
        self.assertTrue((self.output / "4.20-test/xen").exists())

    def test_no_registry_is_named(self):
        self.assertNotIn("://", (SOURCE / "fixtures/xen/build").read_text())


class RealBuilds(BenchCase):
    """What `./lab setup` made, each scheduler on QEMU."""

    def test_debians_own_have_two_schedulers(self):
        for name in "4.17", "4.20":
            with self.subTest(name):
                described = json.loads((XEN / name / "xen.json").read_text())
                check_schema("xen", described)
                self.assertEqual((described["name"], described["xen_version"], described["debug"]), (name, name, False))
                self.assertEqual(described["schedulers"], ["credit", "credit2"])
                self.assertEqual(described["image_sha256"], sha256(XEN / name / "xen"))

    def test_variants_have_all(self):
        for name, debug in VARIANTS.items():
            with self.subTest(name):
                described = json.loads((XEN / name / "xen.json").read_text())
                check_schema("xen", described)
                self.assertEqual((described["name"], described["xen_version"]), (name, "4.20"))
                self.assertIs(described["debug"], debug)
                self.assertEqual(described["schedulers"], SCHEDULERS)
                self.assertEqual(described["image_sha256"], sha256(XEN / name / "xen"))

    def test_every_scheduler_answers(self):
        configurations = [
            {"name": f"{name}-{scheduler}",
             "xen": {"image": str(XEN / name / "xen"), "version": "4.20", "vwfi": "trap", "debug": debug,
                     "scheduler": scheduler}}
            for name, debug in VARIANTS.items() for scheduler in SCHEDULERS]
        run = self.bench.measure(configurations, plan={"samples": SAMPLES})
        self.assert_exit(run, 0)
        for configuration in configurations:
            with self.subTest(configuration["name"]):
                boot = run.boot(configuration["name"])
                self.assertEqual(boot["xen"]["scheduler"], configuration["xen"]["scheduler"])
                self.assertEqual(boot["xen"]["debug"], "y" if configuration["xen"]["debug"] else "n")
                self.assertEqual(run.configuration(configuration["name"])["account"]["answered"], SAMPLES)


if __name__ == "__main__":
    unittest.main()
