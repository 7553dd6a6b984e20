/* SPDX-License-Identifier: MIT */
#include "doctor/usb_chips.h"

#include "fake_sysfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct fake_sysfs f;
static struct p2p_usb_chip chips[P2P_USB_CHIPS_MAX];
static size_t count;

static int set_up(void **state)
{
    (void)state;
    fake_sysfs_make(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_sysfs_remove(&f);
    return 0;
}

static void no_usb(void **state)
{
    (void)state;
    count = 7;
    assert_false(p2p_usb_chips_list(f.sys, chips, &count));
    assert_int_equal(count, 0);
}

static void only_ftdi_chips_count(void **state)
{
    (void)state;
    fake_sysfs_plug(&f, &(struct fake_usb_device){.place = "1-1", .vendor = "1d6b", .product = "6014"});
    fake_sysfs_plug(&f, &(struct fake_usb_device){.place = "1-2", .vendor = "0403", .product = "1234"});
    fake_sysfs_plug(&f, &(struct fake_usb_device){.place = "usb1"});
    assert_true(p2p_usb_chips_list(f.sys, chips, &count));
    assert_int_equal(count, 0);
    fake_sysfs_plug(&f, &(struct fake_usb_device){.place = "1-3", .vendor = "0403", .product = "6001"});
    assert_true(p2p_usb_chips_list(f.sys, chips, &count));
    assert_int_equal(count, 1);
    assert_string_equal(chips[0].place, "1-3");
    assert_false(p2p_usb_chip_is_fast(&chips[0]));
}

static void all_of_a_chip(void **state)
{
    (void)state;
    fake_sysfs_plug(&f, &(struct fake_usb_device){"2-1.4", "0403", "6014", "FT4ABCDE", "480", "2", "17", "ftdi_sio"});
    assert_true(p2p_usb_chips_list(f.sys, chips, &count));
    assert_int_equal(count, 1);
    assert_string_equal(chips[0].place, "2-1.4");
    assert_string_equal(chips[0].serial, "FT4ABCDE");
    assert_string_equal(chips[0].driver, "ftdi_sio");
    assert_string_equal(chips[0].node, "bus/usb/002/017");
    assert_int_equal(chips[0].product, 0x6014);
    assert_int_equal(chips[0].speed_mbit, 480);
    assert_true(p2p_usb_chip_is_fast(&chips[0]));
}

static void a_blank_chip_without_driver(void **state)
{
    (void)state;
    fake_sysfs_plug(&f, &(struct fake_usb_device){.place = "1-1", .vendor = "0403", .product = "6014"});
    assert_true(p2p_usb_chips_list(f.sys, chips, &count));
    assert_int_equal(count, 1);
    assert_string_equal(chips[0].serial, "");
    assert_string_equal(chips[0].driver, "");
    assert_int_equal(chips[0].speed_mbit, 0);
}

static void more_than_fit(void **state)
{
    (void)state;
    for (int i = 0; i < P2P_USB_CHIPS_MAX + 3; i++) {
        char place[16];

        snprintf(place, sizeof place, "1-%d", i);
        fake_sysfs_plug(&f, &(struct fake_usb_device){.place = place, .vendor = "0403", .product = "6014"});
    }
    assert_true(p2p_usb_chips_list(f.sys, chips, &count));
    assert_int_equal(count, P2P_USB_CHIPS_MAX);
}

static void long_texts_are_cut(void **state)
{
    char text[P2P_USB_TEXT_BYTES];

    (void)state;
    fake_sysfs_write(&f, "sys/long", "0123456789012345678901234567890123456789012345678901234567890123456789\nmore");
    fake_sysfs_write(&f, "sys/empty", "");
    p2p_sysfs_read(f.sys, "long", text);
    assert_string_equal(text, "012345678901234567890123456789012345678901234567890123456789012");
    p2p_sysfs_read(f.sys, "empty", text);
    assert_string_equal(text, "");
    p2p_sysfs_read(f.sys, "absent", text);
    assert_string_equal(text, "");
}

#define IN_A_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_TREE(no_usb),        IN_A_TREE(only_ftdi_chips_count),
        IN_A_TREE(all_of_a_chip), IN_A_TREE(a_blank_chip_without_driver),
        IN_A_TREE(more_than_fit), IN_A_TREE(long_texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
