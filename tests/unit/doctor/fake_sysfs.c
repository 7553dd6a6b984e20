/* SPDX-License-Identifier: MIT */
#include "fake_sysfs.h"

#include "util/error.h"
#include "util/file.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void fake_sysfs_make(struct fake_sysfs *f)
{
    snprintf(f->root, sizeof f->root, "/tmp/pin2pin-sysfs-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->sys, sizeof f->sys, "%s/sys", f->root);
    snprintf(f->dev, sizeof f->dev, "%s/dev", f->root);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void fake_sysfs_remove(const struct fake_sysfs *f)
{
    nftw(f->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void fake_sysfs_write(const struct fake_sysfs *f, const char *path, const char *text)
{
    char whole[512];
    struct p2p_error error = {0};

    snprintf(whole, sizeof whole, "%s/%s", f->root, path);
    *strrchr(whole, '/') = '\0';
    assert_int_equal(p2p_make_folders(whole, &error), P2P_OK);
    snprintf(whole, sizeof whole, "%s/%s", f->root, path);
    assert_int_equal(p2p_write_file(whole, text, strlen(text), &error), P2P_OK);
}

static void write_attribute(const struct fake_sysfs *f, const char *place, const char *name, const char *value)
{
    char path[256], line[128];

    if (value != NULL) {
        snprintf(path, sizeof path, "sys/bus/usb/devices/%s/%s", place, name);
        snprintf(line, sizeof line, "%s\n", value);
        fake_sysfs_write(f, path, line);
    }
}

void fake_sysfs_plug(const struct fake_sysfs *f, const struct fake_usb_device *device)
{
    char path[512], target[128];

    write_attribute(f, device->place, "idVendor", device->vendor);
    write_attribute(f, device->place, "idProduct", device->product);
    write_attribute(f, device->place, "serial", device->serial);
    write_attribute(f, device->place, "speed", device->speed);
    write_attribute(f, device->place, "busnum", device->bus);
    write_attribute(f, device->place, "devnum", device->number);
    if (device->driver != NULL) {
        snprintf(target, sizeof target, "../../../../bus/usb/drivers/%s", device->driver);
        snprintf(path, sizeof path, "sys/bus/usb/devices/%s/%s:1.0/bInterfaceNumber", device->place, device->place);
        fake_sysfs_write(f, path, "00\n");
        snprintf(path, sizeof path, "%s/bus/usb/devices/%s/%s:1.0/driver", f->sys, device->place, device->place);
        assert_int_equal(symlink(target, path), 0);
    }
}
