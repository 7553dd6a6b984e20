# SPDX-License-Identifier: MIT
"""What `./lab setup` says when something is missing. The machine is faked by programs put first in PATH."""
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["P2P_SOURCE_DIR"])
NOTHING_INSTALLED = "exit 1"
MIRROR = "echo bookworm http://mirror.invalid/debian/\n"


class SetupWords(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.tree = self.work / "tree"
        self.tree.mkdir()
        shutil.copy(SOURCE / "lab", self.tree)
        shutil.copytree(SOURCE / "fixtures/setup", self.tree / "fixtures/setup")
        self.fakes = self.work / "bin"
        self.fakes.mkdir()
        self.os_release("ID=debian\nVERSION_ID=12\n")

    def os_release(self, text):
        (self.work / "os-release").write_text(text)

    def fake(self, name, body):
        path = self.fakes / name
        path.write_text("#!/bin/sh\n" + body + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def setup_says(self, path=None):
        environment = {
            "PATH": path or f"{self.fakes}:{os.environ['PATH']}",
            "OS_RELEASE": str(self.work / "os-release"),
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run([self.tree / "lab", "setup"], env=environment, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        return done.stderr

    def test_unknown_distribution(self):
        self.os_release("ID=plan9\nVERSION_ID=4\n")
        self.assertIn("this is plan9 4; set-up knows Debian 12 and 13", self.setup_says())

    def test_no_os_release(self):
        (self.work / "os-release").unlink()
        self.assertIn("an unknown distribution; set-up knows Debian 12 and 13", self.setup_says())

    def test_older_debian(self):
        self.os_release("ID=debian\nVERSION_ID=11\n")
        self.assertIn("this is debian 11;", self.setup_says())

    def test_no_root_and_no_sudo(self):
        self.fake("dpkg-query", NOTHING_INSTALLED)
        self.fake("id", "echo 1000")
        path = self.work / "few"  # all that set-up needs, but no sudo
        path.mkdir()
        for name in ("bash", "env", "dirname", "readlink", "awk", "cat", "sh"):
            (path / name).symlink_to(shutil.which(name))
        said = self.setup_says(f"{self.fakes}:{path}")
        self.assertIn("packages are missing and this is not root", said)
        self.assertIn("sudo", said)

    def test_no_space(self):
        self.fake("dpkg-query", NOTHING_INSTALLED)
        self.fake("id", "echo 0")
        self.fake("df", "echo Filesystem 1M-blocks Used Available; echo /dev/vda 10 5 7")
        self.assertIn("/ has 7 MiB free, but installing packages needs 5500 MiB", self.setup_says())

    def test_no_network(self):
        self.fake("dpkg-query", NOTHING_INSTALLED)
        self.fake("id", "echo 0")
        self.fake("df", "echo head; echo /dev/vda 1 1 99999")
        self.fake("apt-get", f'case "$*" in *indextargets*) {MIRROR};; *) echo "E: could not resolve" >&2; exit 100;; esac')
        said = self.setup_says()
        self.assertIn("E: could not resolve", said)
        self.assertIn("cannot fetch Debian's package lists from http://mirror.invalid/debian/: is there a network?", said)

    def test_no_mirror(self):
        self.fake("dpkg-query", NOTHING_INSTALLED)
        self.fake("id", "echo 0")
        self.fake("df", "echo head; echo /dev/vda 1 1 99999")
        self.fake("apt-get", "exit 0")
        self.assertIn("no mirror of Debian bookworm", self.setup_says())

    def test_install_fails(self):
        self.fake("dpkg-query", NOTHING_INSTALLED)
        self.fake("id", "echo 0")
        self.fake("df", "echo head; echo /dev/vda 1 1 99999")
        self.fake("apt-get", f'case "$*" in *indextargets*) {MIRROR};; *install*) echo "E: held broken" >&2; exit 100;; esac')
        said = self.setup_says()
        self.assertIn("E: held broken", said)
        self.assertIn("apt-get could not install:", said)

    def test_the_mirror_is_the_machines_own(self):
        self.fake("dpkg-query", NOTHING_INSTALLED)
        self.fake("id", "echo 0")
        self.fake("df", "echo head; echo /dev/vda 1 1 99999")
        self.fake("apt-get", f'case "$*" in *indextargets*) {MIRROR};; *install*) exit 100;; esac')
        self.setup_says()
        sources = (self.tree / "build/apt/host/parts/pin2pin.sources").read_text()
        self.assertIn("URIs: http://mirror.invalid/debian/\nSuites: bookworm bookworm-updates bookworm-backports\n", sources)


class NoHostNames(unittest.TestCase):
    def test_no_registry_is_named(self):
        """The mirror comes from the machine; no host of a package registry stands in the set-up."""
        for path in [SOURCE / "lab", *sorted((SOURCE / "fixtures/setup").iterdir())]:
            self.assertNotRegex(path.read_text(), r"://[a-z]", path)


if __name__ == "__main__":
    unittest.main()
