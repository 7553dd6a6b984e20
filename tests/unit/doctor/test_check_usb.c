/* SPDX-License-Identifier: MIT */
#include "fake_sysfs.h"
#include "finding_asserts.h"

#include <stdio.h>
#include <unistd.h>

static struct fake_sysfs f;
static struct p2p_bench bench;
static struct p2p_doctor doctor;
static struct p2p_examination self;

static int set_up(void **state)
{
    (void)state;
    fake_sysfs_make(&f);
    bench = (struct p2p_bench){.board = {.kind = P2P_BOARD_NONE}, .probe = {.kind = P2P_PROBE_FTDI}};
    doctor = (struct p2p_doctor){.bench = &bench, .sysfs = f.sys, .dev = f.dev, .stop_fd = -1};
    self = (struct p2p_examination){.doctor = &doctor, .bench = &bench};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_sysfs_remove(&f);
    return 0;
}

static void plug(const char *place, const char *serial)
{
    fake_sysfs_plug(&f, &(struct fake_usb_device){place, "0403", "6014", serial, "480", "1", "5", NULL});
}

static void none_is_there(void **state)
{
    (void)state;
    assert_check(p2p_check_chip, &self, P2P_FINDING_FAILED, "has no USB", "driver");
    fake_sysfs_write(&f, "sys/bus/usb/devices/usb1/idVendor", "1d6b\n");
    assert_check(p2p_check_chip, &self, P2P_FINDING_FAILED, "no FTDI chip is on USB", "lsusb -d 0403:");
}

static void the_only_one(void **state)
{
    (void)state;
    plug("1-1", "A");
    assert_check(p2p_check_chip, &self, P2P_FINDING_OK, "\"A\" at USB port 1-1", "");
    assert_string_equal(self.chip.place, "1-1");
}

static void a_blank_one_is_a_warning(void **state)
{
    (void)state;
    plug("1-1", NULL);
    assert_check(p2p_check_chip, &self, P2P_FINDING_WARNING, "no serial", "ftdi_eeprom");
}

static void several_need_a_name(void **state)
{
    (void)state;
    plug("1-1", "A");
    plug("1-2", NULL);
    assert_check(p2p_check_chip, &self, P2P_FINDING_FAILED, "no serial (1-2)", "$.probe.serial");
    bench.probe.serial = (char[]){"A"};
    assert_check(p2p_check_chip, &self, P2P_FINDING_OK, "\"A\" at USB port 1-1", "");
    bench.probe.serial = (char[]){"B"};
    assert_check(p2p_check_chip, &self, P2P_FINDING_FAILED, "serial \"B\" is on USB; there are: ", "$.probe.serial");
}

static void equal_serials_are_told(void **state)
{
    (void)state;
    plug("1-1", "A");
    plug("1-2", "A");
    bench.probe.serial = (char[]){"A"};
    assert_check(p2p_check_chip, &self, P2P_FINDING_FAILED, "2 FTDI chips have the serial \"A\"", "ftdi_eeprom");
}

static void permission(void **state)
{
    (void)state;
    snprintf(self.chip.node, sizeof self.chip.node, "bus/usb/001/005");
    assert_check(p2p_check_permission, &self, P2P_FINDING_FAILED, "/bus/usb/001/005: No such file", "60-pin2pin.rules");
    fake_sysfs_write(&f, "dev/bus/usb/001/005", "");
    assert_check(p2p_check_permission, &self, P2P_FINDING_OK, "dev/bus/usb/001/005", "");
}

static void drivers(void **state)
{
    (void)state;
    snprintf(self.chip.place, sizeof self.chip.place, "1-2.4");
    assert_check(p2p_check_driver, &self, P2P_FINDING_OK, "no kernel driver", "");
    snprintf(self.chip.driver, sizeof self.chip.driver, "ftdi_sio");
    assert_check(p2p_check_driver, &self, P2P_FINDING_WARNING, "ftdi_sio has the chip", "`echo 1-2.4:1.0 > ");
    snprintf(self.chip.driver, sizeof self.chip.driver, "usbfs");
    assert_check(p2p_check_driver, &self, P2P_FINDING_FAILED, "usbfs", "fuser");
}

static void speed(void **state)
{
    (void)state;
    self.chip = (struct p2p_usb_chip){.product = 0x6014, .speed_mbit = 480};
    assert_check(p2p_check_speed, &self, P2P_FINDING_OK, "480 Mbit/s", "");
    self.chip.speed_mbit = 12;
    assert_check(p2p_check_speed, &self, P2P_FINDING_WARNING, "runs at 12", "USB 2.0");
    self.chip.product = 0x6001; /* it can't do more */
    assert_check(p2p_check_speed, &self, P2P_FINDING_OK, "12 Mbit/s", "");
}

static void latency_timer(void **state)
{
    char device[128], link[128];

    (void)state;
    snprintf(device, sizeof device, "%s/ttyUSB3", f.dev);
    snprintf(link, sizeof link, "%s/by-id", f.dev);
    bench.probe = (struct p2p_probe_plan){.kind = P2P_PROBE_SERIAL, .device = link};
    assert_check(p2p_check_latency_timer, &self, P2P_FINDING_FAILED, "no such serial port", "$.probe.device");
    fake_sysfs_write(&f, "dev/ttyUSB3", "");
    assert_int_equal(symlink(device, link), 0); /* sysfs knows the port's own name only */
    assert_check(p2p_check_latency_timer, &self, P2P_FINDING_OK, "ttyUSB3 has none", "");
    fake_sysfs_write(&f, "sys/class/tty/ttyUSB3/device/latency_timer", "16\n");
    assert_check(p2p_check_latency_timer, &self, P2P_FINDING_WARNING, "16 ms",
                 "echo 1 > /sys/class/tty/ttyUSB3/device/latency_timer");
    fake_sysfs_write(&f, "sys/class/tty/ttyUSB3/device/latency_timer", "1\n");
    assert_check(p2p_check_latency_timer, &self, P2P_FINDING_OK, "1 ms", "");
}

#define IN_A_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_TREE(none_is_there),
        IN_A_TREE(the_only_one),
        IN_A_TREE(a_blank_one_is_a_warning),
        IN_A_TREE(several_need_a_name),
        IN_A_TREE(equal_serials_are_told),
        IN_A_TREE(permission),
        IN_A_TREE(drivers),
        IN_A_TREE(speed),
        IN_A_TREE(latency_timer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
