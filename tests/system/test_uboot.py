# SPDX-License-Identifier: MIT
"""A real U-Boot (Debian's u-boot-qemu) boots real Xen and the stub, by TFTP and from a disk, driven by host/board/uboot.c.

U-Boot's own words decide here whether the driver understands them; tests/unit/board/test_uboot.c has every wrong turn.
"""
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from bench import wait_until

UBOOT = pathlib.Path(os.environ["UBOOT"])
UBOOT_BOARD = os.environ["UBOOT_BOARD"]
XEN = pathlib.Path(os.environ["XEN"]) / "4.17/xen"
STUB = pathlib.Path(os.environ["STUBS"]) / "stub.bin"

BOOT_TIMEOUT_S = 60  # a guard against hanging; a boot takes 1 to 2 s
DISK_BYTES = 16 << 20
ADDRESSES = "setenv ipaddr 10.0.2.15; setenv serverip 10.0.2.2"

# acpi=off: with firmware and ACPI the board would have no PL061.
MACHINE = ["qemu-system-aarch64", "-M", "virt,virtualization=on,gic-version=2,acpi=off", "-cpu", "cortex-a53",
           "-smp", "1", "-m", "1024", "-nodefaults", "-display", "none"]


class UbootTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="pin2pin-uboot-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.served = self.folder / "tftp"
        self.served.mkdir()
        self.base = self.folder / "base.dtb"
        subprocess.run([*MACHINE[:2], f"{MACHINE[2]},dumpdtb={self.base}", *MACHINE[3:]], check=True,
                       capture_output=True, timeout=BOOT_TIMEOUT_S)
        self.firmware = UBOOT
        self.drives = []

    def tearDown(self):
        self.assertEqual([*self.served.iterdir()], [], "left in the TFTP server's folder")

    # ---- The board ----

    def driver(self, *options, xen=True, vwfi="trap"):
        more = ["-x", XEN, "-v", vwfi] if xen else []
        return [UBOOT_BOARD, "-b", self.base, "-s", STUB, *more, *map(str, options)]

    def write_files(self, name="files", **configuration):
        folder = self.folder / name
        folder.mkdir()
        subprocess.run(self.driver("-w", folder, **configuration), check=True)
        return folder

    def make_disk(self, files):
        """A FAT disk, as an SD card is, with `files` in /boards/test."""
        image = self.folder / "disk.img"
        with image.open("wb") as disk:
            disk.truncate(DISK_BYTES)
        for command in (["mformat", "-i", image, "-v", "BOOT", "::"], ["mmd", "-i", image, "::boards"],
                        ["mmd", "-i", image, "::boards/test"],
                        ["mcopy", "-i", image, *sorted(files.iterdir()), "::boards/test/"]):
            subprocess.run(command, check=True, capture_output=True)
        self.drives = ["-drive", f"if=none,id=disk,file={image},format=raw", "-device", "virtio-blk-device,drive=disk"]

    def boot(self, *options, **configuration):
        """The driver's CompletedProcess, and the board's whole console. The board waits until the driver is there."""
        console, log = self.folder / "console", self.folder / "console.log"
        qemu = subprocess.Popen(
            [*MACHINE, "-bios", self.firmware, "-chardev", f"socket,id=console,path={console},server=on,wait=on",
             "-serial", "chardev:console", "-netdev", f"user,id=net,restrict=on,tftp={self.served}",
             "-device", "virtio-net-device,netdev=net", *self.drives], stderr=subprocess.DEVNULL)
        try:
            wait_until(console.exists, 20, "QEMU's console")
            start = time.monotonic()
            done = subprocess.run(self.driver("-c", console, "-l", log, *options, **configuration), check=False,
                                  capture_output=True, text=True, timeout=BOOT_TIMEOUT_S)
            print(f"{self.id().rpartition('.')[2]}: {time.monotonic() - start:.2f} s: {done.stdout.strip()}")
            return done, log.read_bytes().decode(errors="replace")
        finally:
            qemu.kill()
            qemu.wait()

    def by_tftp(self, *options, setup=ADDRESSES, **configuration):
        return self.boot("-t", self.served, "-u", setup, *options, **configuration)

    def from_disk(self, *options, **configuration):
        return self.boot("-d", "/boards", "-u", "virtio scan", *options, **configuration)

    def assert_ready(self, done, console, xen=True):
        self.assertEqual(done.returncode, 0, done.stderr + console)
        self.assertRegex(done.stdout, r"ready after [\d.]+ s: Xen 4\.17\S*: READY" if xen else r"Xen : READY")
        # Every byte since power on, the driver's part and the session's, is in the one log.
        self.assertRegex(console, r"(?s)\A\s*U-Boot 20.*Hit any key.*=> .*Starting kernel.*READY")

    def assert_refused(self, done, *fragments):
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        for fragment in fragments:
            self.assertIn(fragment, done.stderr)

    # ---- It boots ----

    def test_tftp_boots_xen_and_the_stub(self):
        self.assert_ready(*self.by_tftp())

    def test_tftp_boots_the_configuration_that_was_asked_for(self):
        done, console = self.by_tftp(vwfi="native")
        self.assert_ready(done, console)
        self.assertIn("vwfi=native", console)

    def test_tftp_boots_the_stub_alone(self):
        self.assert_ready(*self.by_tftp(xen=False), xen=False)

    def test_a_command_line_saved_in_uboot_does_not_reach_the_stub(self):
        self.assert_ready(*self.by_tftp("-u", "setenv bootargs stimulus=7", xen=False), xen=False)

    def test_a_disk_boots_xen_and_the_stub(self):
        self.make_disk(self.write_files())
        self.assert_ready(*self.from_disk())

    def test_the_longest_line_reaches_uboot_whole(self):
        line = "setenv x " + "y" * 471
        done, console = self.by_tftp("-u", line, "-u", "printenv x")
        self.assert_ready(done, console)
        self.assertIn("\nx=" + "y" * 471 + "\r", console)

    # ---- It does not, and says why ----

    def test_a_board_without_uboot_is_silent(self):
        self.firmware = self.folder / "silent.bin"
        self.firmware.write_bytes(b"\x00\x00\x00\x14" * 1024)  # a branch to itself
        done, console = self.by_tftp("-T", 1)
        self.assert_refused(done, "U-Boot is silent: nothing on the console within 1 s of power on")
        self.assertEqual(console, "")

    def test_another_prompt(self):
        done, _ = self.by_tftp("-p", "ZynqMP> ", "-T", 3)
        self.assert_refused(done, 'U-Boot did not stop at its prompt: expected "ZynqMP> " within the 3 s of a boot',
                            "=> ")

    def test_a_server_that_does_not_answer(self):
        done, _ = self.by_tftp("-T", 3, setup="setenv ipaddr 10.0.2.15; setenv serverip 10.0.2.9")
        self.assert_refused(done, 'U-Boot did not end "tftpboot 0x40600000 pin2pin-', 'within the 3 s of a boot')

    def test_a_server_of_another_folder(self):
        other = self.folder / "other"
        other.mkdir()
        done, _ = self.boot("-t", other, "-u", ADDRESSES)
        self.assert_refused(done, 'TFTP failed: expected "Bytes transferred = ', "TFTP error: 'File not found' (1)")
        self.assertEqual([*other.iterdir()], [])

    def test_a_set_up_line_that_uboot_does_not_know(self):
        done, _ = self.by_tftp(setup="setnev ipaddr 10.0.2.15")
        self.assert_refused(done, 'U-Boot does not know "setnev ipaddr 10.0.2.15"')

    def test_a_disk_without_a_file(self):
        files = self.write_files()
        (files / "partial.dtb").unlink()
        self.make_disk(files)
        done, _ = self.from_disk()
        self.assert_refused(done, "loading from the disk failed", "Failed to load '/boards/test/partial.dtb'")

    def test_a_disk_with_a_shorter_file(self):
        files = self.write_files()
        (files / "stub.bin").write_bytes(STUB.read_bytes()[:-1])
        self.make_disk(files)
        size = STUB.stat().st_size
        done, _ = self.from_disk()
        self.assert_refused(done, f'loading from the disk failed: expected "{size} bytes read"', f"{size - 1} bytes read")

    def test_a_disk_with_another_stub_of_the_same_size(self):
        files = self.write_files()
        stub = bytearray(STUB.read_bytes())
        stub[-1] ^= 1
        (files / "stub.bin").write_bytes(stub)
        self.make_disk(files)
        done, _ = self.from_disk()
        self.assert_refused(done, "the board's memory does not hold the stub.bin of this boot")

    def test_a_disk_with_the_tree_of_another_configuration(self):
        self.make_disk(self.write_files(vwfi="native"))
        done, _ = self.from_disk(vwfi="trap")
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, r"loading from the disk failed.*tree\.dtb|does not hold the tree\.dtb")


if __name__ == "__main__":
    unittest.main(verbosity=1)
