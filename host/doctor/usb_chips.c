/* SPDX-License-Identifier: MIT */
#include "doctor/usb_chips.h"

#include "ports/ftdi_stream.h"
#include "util/file.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void p2p_sysfs_read(const char *folder, const char *name, char text[P2P_USB_TEXT_BYTES])
{
    char path[PATH_MAX];
    FILE *file;

    text[0] = '\0';
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    if (fgets(text, P2P_USB_TEXT_BYTES, file) == NULL) {
        text[0] = '\0';
    }
    text[strcspn(text, "\n")] = '\0';
    fclose(file);
}

static unsigned read_number(const char *folder, const char *name, int base)
{
    char text[P2P_USB_TEXT_BYTES];

    p2p_sysfs_read(folder, name, text);
    return (unsigned)strtoul(text, NULL, base);
}

/* The probe's link is interface 0 of configuration 1. */
static void read_driver(struct p2p_usb_chip *chip, const char *folder)
{
    char path[PATH_MAX], target[PATH_MAX];
    const char *slash;
    ssize_t length;

    snprintf(path, sizeof path, "%s/%s:1.0/driver", folder, chip->place);
    length = readlink(path, target, sizeof target - 1);
    if (length <= 0) {
        return;
    }
    target[length] = '\0';
    slash = strrchr(target, '/');
    snprintf(chip->driver, sizeof chip->driver, "%.*s", P2P_USB_TEXT_BYTES - 1, slash != NULL ? slash + 1 : target);
}

/* False: it is something else. */
static bool read_chip(struct p2p_usb_chip *chip, const char *devices, const char *name)
{
    char *folder = p2p_format("%s/%s", devices, name);
    bool found = false;

    *chip = (struct p2p_usb_chip){0};
    if (folder == NULL) {
        return false;
    }
    chip->product = (uint16_t)read_number(folder, "idProduct", 16);
    if (p2p_ftdi_is_chip(read_number(folder, "idVendor", 16), chip->product)) {
        found = true;
        snprintf(chip->place, sizeof chip->place, "%.*s", P2P_USB_TEXT_BYTES - 1, name);
        p2p_sysfs_read(folder, "serial", chip->serial);
        chip->speed_mbit = read_number(folder, "speed", 10);
        snprintf(chip->node, sizeof chip->node, "bus/usb/%03u/%03u", read_number(folder, "busnum", 10),
                 read_number(folder, "devnum", 10));
        read_driver(chip, folder);
    }
    free(folder);
    return found;
}

bool p2p_usb_chips_list(const char *sysfs, struct p2p_usb_chip chips[P2P_USB_CHIPS_MAX], size_t *count)
{
    char *path = p2p_format("%s/bus/usb/devices", sysfs);
    DIR *devices = path != NULL ? opendir(path) : NULL;
    const struct dirent *entry;

    *count = 0;
    if (devices == NULL) {
        free(path);
        return false;
    }
    while (*count < P2P_USB_CHIPS_MAX && (entry = readdir(devices)) != NULL) {
        *count += read_chip(&chips[*count], path, entry->d_name);
    }
    closedir(devices);
    free(path);
    return true;
}

bool p2p_usb_chip_is_fast(const struct p2p_usb_chip *chip)
{
    return chip->product == 0x6010 || chip->product == 0x6011 || chip->product == 0x6014;
}
