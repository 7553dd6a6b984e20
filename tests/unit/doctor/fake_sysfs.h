/* SPDX-License-Identifier: MIT */
/* A folder with trees of its own for /sys and /dev. */
#ifndef P2P_TESTS_DOCTOR_FAKE_SYSFS_H
#define P2P_TESTS_DOCTOR_FAKE_SYSFS_H

struct fake_sysfs {
    char root[64], sys[80], dev[80];
};

/* NULL: the chip's file is not there; `driver`: its first interface has none. */
struct fake_usb_device {
    const char *place, *vendor, *product, *serial, *speed, *bus, *number, *driver;
};

void fake_sysfs_make(struct fake_sysfs *f);
void fake_sysfs_remove(const struct fake_sysfs *f);

void fake_sysfs_plug(const struct fake_sysfs *f, const struct fake_usb_device *device);
/* Makes the folders on the way; `path` is below root. */
void fake_sysfs_write(const struct fake_sysfs *f, const char *path, const char *text);

#endif
