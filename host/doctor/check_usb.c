/* SPDX-License-Identifier: MIT */
/* The FTDI chip of a probe, as sysfs shows it. */
#include "doctor/check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_BYTES = 512, LATENCY_MS_MAX = 2, HIGH_SPEED_MBIT = 480 };

static void list_chips(const struct p2p_usb_chip *chips, size_t count, char list[LIST_BYTES])
{
    size_t used = 0;

    list[0] = '\0';
    for (size_t i = 0; i < count && used < LIST_BYTES; i++) {
        used += (size_t)snprintf(list + used, LIST_BYTES - used, "%s%s%s%s (%s)", i > 0 ? ", " : "",
                                 chips[i].serial[0] != '\0' ? "\"" : "no serial", chips[i].serial,
                                 chips[i].serial[0] != '\0' ? "\"" : "", chips[i].place);
    }
}

/* How many are the one that the bench means; the first of them is kept. */
static size_t match(struct p2p_examination *self, const struct p2p_usb_chip *chips, size_t count)
{
    const char *wanted = self->bench->probe.serial;
    size_t matches = 0;

    for (size_t i = 0; i < count; i++) {
        if ((wanted == NULL || strcmp(wanted, chips[i].serial) == 0) && matches++ == 0) {
            self->chip = chips[i];
        }
    }
    return matches;
}

static void judge_chip(const struct p2p_examination *self, size_t matches, const char *list,
                       struct p2p_finding *finding)
{
    const char *wanted = self->bench->probe.serial;

    if (matches == 0) {
        p2p_find(finding, P2P_FINDING_FAILED, "plug the probe's chip in, or correct $.probe.serial in the bench file",
                 "no FTDI chip with the serial \"%s\" is on USB; there are: %s", wanted, list);
    } else if (matches > 1 && wanted != NULL) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "give each chip a serial of its own (`ftdi_eeprom`), or unplug the others",
                 "%zu FTDI chips have the serial \"%s\": %s", matches, wanted, list);
    } else if (matches > 1) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "name the probe's in the bench file ($.probe.serial); if it has none, or not one of its own, give it "
                 "one (`ftdi_eeprom`)",
                 "several FTDI chips are on USB: %s", list);
    } else if (self->chip.serial[0] == '\0') {
        p2p_find(finding, P2P_FINDING_WARNING, "give it a serial (`ftdi_eeprom`) and name it in the bench file",
                 "the only FTDI chip (%s) has no serial: a second one would make it ambiguous", self->chip.place);
    } else {
        p2p_find_ok(finding, "\"%s\" at USB port %s", self->chip.serial, self->chip.place);
    }
}

void p2p_check_chip(struct p2p_examination *self, struct p2p_finding *finding)
{
    struct p2p_usb_chip chips[P2P_USB_CHIPS_MAX];
    char list[LIST_BYTES];
    size_t count;

    if (!p2p_usb_chips_list(self->doctor->sysfs, chips, &count)) {
        p2p_find(finding, P2P_FINDING_FAILED, "load the driver of its USB controller; in a container or VM pass USB on",
                 "this computer has no USB: %s/bus/usb/devices cannot be read", self->doctor->sysfs);
    } else if (count == 0) {
        p2p_find(finding, P2P_FINDING_FAILED, "plug the probe's chip in; `lsusb -d 0403:` must show it",
                 "no FTDI chip is on USB");
    } else {
        list_chips(chips, count, list);
        judge_chip(self, match(self, chips, count), list, finding);
    }
}

void p2p_check_permission(struct p2p_examination *self, struct p2p_finding *finding)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", self->doctor->dev, self->chip.node);
    if (access(path, R_OK | W_OK) != 0) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "copy docs/60-pin2pin.rules to /etc/udev/rules.d, run `udevadm control --reload`, join the group "
                 "plugdev, log in again, and plug the chip in again",
                 "cannot read and write %s: %s", path, strerror(errno));
    } else {
        p2p_find_ok(finding, "%s can be read and written", path);
    }
}

void p2p_check_driver(struct p2p_examination *self, struct p2p_finding *finding)
{
    const struct p2p_usb_chip *chip = &self->chip;

    if (strcmp(chip->driver, "ftdi_sio") == 0) {
        char cure[P2P_CURE_BYTES];

        snprintf(cure, sizeof cure,
                 "make sure that nobody opens its ttyUSB port; as root `echo %s:1.0 > "
                 "/sys/bus/usb/drivers/ftdi_sio/unbind` takes it away until it is plugged in again",
                 chip->place);
        p2p_find(finding, P2P_FINDING_WARNING, cure,
                 "the kernel's ftdi_sio has the chip: pin2pin takes it for each boot and gives it back");
    } else if (chip->driver[0] != '\0') {
        p2p_find(finding, P2P_FINDING_FAILED, "end the program that has the chip (`fuser -v` on its node tells which)",
                 "the driver %s has the chip (node %s/%s)", chip->driver, self->doctor->dev, chip->node);
    } else {
        p2p_find_ok(finding, "no kernel driver holds the chip");
    }
}

void p2p_check_speed(struct p2p_examination *self, struct p2p_finding *finding)
{
    const struct p2p_usb_chip *chip = &self->chip;

    if (p2p_usb_chip_is_fast(chip) && chip->speed_mbit < HIGH_SPEED_MBIT) {
        p2p_find(finding, P2P_FINDING_WARNING, "use another port, hub or cable: one of USB 2.0 high speed",
                 "the chip could do %d Mbit/s and runs at %u: its buffer of 1 KiB overruns sooner", HIGH_SPEED_MBIT,
                 chip->speed_mbit);
    } else {
        p2p_find_ok(finding, "%u Mbit/s", chip->speed_mbit);
    }
}

/* A serial port has one only if the kernel's ftdi_sio drives it. */
void p2p_check_latency_timer(struct p2p_examination *self, struct p2p_finding *finding)
{
    char *device = realpath(self->bench->probe.device, NULL);
    const char *slash = device != NULL ? strrchr(device, '/') : NULL;
    char folder[PATH_MAX], text[P2P_USB_TEXT_BYTES], cure[P2P_CURE_BYTES];

    if (slash == NULL) {
        p2p_find(finding, P2P_FINDING_FAILED, "plug it in, or correct $.probe.device in the bench file",
                 "%s: no such serial port", self->bench->probe.device);
        free(device);
        return;
    }
    snprintf(folder, sizeof folder, "%s/class/tty/%s/device", self->doctor->sysfs, slash + 1);
    p2p_sysfs_read(folder, "latency_timer", text);
    if (text[0] == '\0') {
        p2p_find_ok(finding, "%s has none", device);
    } else if (strtoul(text, NULL, 10) > LATENCY_MS_MAX) {
        snprintf(cure, sizeof cure, "as root `echo 1 > /sys/class/tty/%.32s/device/latency_timer`, best by a udev rule",
                 slash + 1);
        p2p_find(finding, P2P_FINDING_WARNING, cure, "%s: %s ms, so the probe's bytes come late and in lumps", device,
                 text);
    } else {
        p2p_find_ok(finding, "%s ms", text);
    }
    free(device);
}
