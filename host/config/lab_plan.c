/* SPDX-License-Identifier: MIT */
#include "config/lab_plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct p2p_json_range OFFSET = {0, 1023};
static const struct p2p_json_range BAUD = {300, 4000000};
static const struct p2p_json_range SETTLE_MS = {0, 60000};
static const struct p2p_json_range OFF_MS = {0, 60000};
static const struct p2p_json_range TIMEOUT_S = {1, 3600};
static const struct p2p_json_range TRIES = {1, 10};
static const struct p2p_json_range ARGUMENTS = {1, 64};
static const struct p2p_json_range SETUP_LINES = {0, 64};

static const struct p2p_json_key ADDRESS_KEYS[] = {
    {"xen", "where Xen goes; natively the stub"},
    {"stub", "where Xen finds the stub"},
    {"tree", "where the device tree goes"},
    {"partial", "where the stub's partial device tree goes"},
    {NULL, NULL},
};

static const struct p2p_json_key LINE_KEYS[] = {
    {"chip", "the GPIO chip: its label, name or path"},
    {"line", "the line's name"},
    {"offset", "the line's number on the chip"},
    {"active_low", "whether a low voltage means active"},
    {NULL, NULL},
};

static const struct p2p_json_key CONSOLE_KEYS[] = {
    {"device", "the serial port"},
    {"baud", "its rate"},
    {NULL, NULL},
};

static const struct p2p_json_key POWER_KEYS[] = {
    {"kind", "how the board's power is switched"},
    {"chip", "the GPIO chip: its label, name or path"},
    {"line", "the line's name"},
    {"offset", "the line's number on the chip"},
    {"active_low", "whether a low voltage means on"},
    {"settle_ms", "from the relay's closing to steady power"},
    {"off_ms", "how long power stays off at least before it goes on"},
    {"on", "the program that switches on, and its arguments"},
    {"off", "the program that switches off, and its arguments"},
    {"timeout_s", "how long either may take"},
    {NULL, NULL},
};

static const char *const LOADS[] = {[P2P_LAB_TFTP] = "tftp", [P2P_LAB_DISK] = "disk", NULL};
static const char *const POWERS[] = {[P2P_LAB_POWER_GPIOD] = "gpiod", [P2P_LAB_POWER_COMMAND] = "command", NULL};

void p2p_lab_refuse_keys(const struct p2p_json_object *object, const char *const keys[], const char *who)
{
    for (; *keys != NULL; keys++) {
        if (p2p_json_has(object, *keys)) {
            p2p_json_refuse(object, *keys, "%s has no use for it", who);
        }
    }
}

static void read_line(const struct p2p_json_object *object, struct p2p_lab_line *line)
{
    bool named = p2p_json_has(object, "line");

    line->chip = p2p_json_copy(object, p2p_json_string(object, "chip"));
    if (named && p2p_json_has(object, "offset")) {
        p2p_json_refuse(object, "offset", "the line has a name already (\"line\"): give one of the two");
    }
    if (named) {
        line->line = p2p_json_copy(object, p2p_json_string(object, "line"));
    } else {
        line->offset = (uint32_t)p2p_json_integer(object, "offset", OFFSET);
    }
    line->active_low = p2p_json_boolean_or(object, "active_low", false);
}

/* JSON has no hexadecimal numbers, and nobody knows a decimal address by heart: "0x40600000". */
static uint64_t read_address(const struct p2p_json_object *object, const char *key)
{
    const char *text = p2p_json_string(object, key);
    char *end = NULL;
    uint64_t address = strncmp(text, "0x", 2) == 0 ? strtoull(text, &end, 16) : 0;

    if (end == NULL || *end != '\0' || strlen(text) > strlen("0x0123456789abcdef") || address % 8 != 0) {
        p2p_json_refuse_value(object, key, "an address such as \"0x40600000\", a multiple of 8");
    }
    return address;
}

static void read_addresses(const struct p2p_json_object *board, struct p2p_lab_addresses *addresses)
{
    struct p2p_json_object object = p2p_json_child(board, "addresses", ADDRESS_KEYS);

    addresses->xen = read_address(&object, "xen");
    addresses->stub = read_address(&object, "stub");
    addresses->tree = read_address(&object, "tree");
    addresses->partial = read_address(&object, "partial");
}

static void read_uboot(const struct p2p_json_object *board, struct p2p_lab_plan *lab)
{
    static const char *const others[] = {"boot", "boot_timeout_s", NULL};
    static const char *const of_disk[] = {"interface", NULL};

    p2p_lab_refuse_keys(board, others, "a board of kind \"uboot\"");
    lab->uboot.load = (enum p2p_lab_load)p2p_json_choice(board, "load", LOADS);
    if (lab->uboot.load == P2P_LAB_TFTP) {
        p2p_lab_refuse_keys(board, of_disk, "load \"tftp\"");
        lab->uboot.folder = p2p_json_path(board, "folder");
        lab->uboot.interface = p2p_json_copy(board, "");
    } else {
        lab->uboot.folder = p2p_json_copy(board, p2p_json_string_or(board, "folder", ""));
        lab->uboot.interface = p2p_json_copy(board, p2p_json_string(board, "interface"));
    }
    lab->uboot.prompt = p2p_json_copy(board, p2p_json_string_or(board, "prompt", "=> "));
    lab->uboot.autoboot = p2p_json_copy(board, p2p_json_string_or(board, "autoboot", "Hit any key to stop autoboot"));
    lab->uboot.autoboot_key = p2p_json_copy(board, p2p_json_string_or(board, "autoboot_key", " "));
    lab->uboot.setup = p2p_json_strings(board, "setup", SETUP_LINES, &lab->uboot.setup_count);
}

static void read_script(const struct p2p_json_object *board, struct p2p_lab_plan *lab)
{
    static const char *const others[] = {"load",     "folder",       "interface", "prompt",
                                         "autoboot", "autoboot_key", "setup",     NULL};
    size_t count;

    p2p_lab_refuse_keys(board, others, "a board of kind \"script\"");
    lab->script = p2p_json_strings(board, "boot", ARGUMENTS, &count);
    lab->script_s = (uint32_t)p2p_json_integer_or(board, "boot_timeout_s", TIMEOUT_S, 60);
}

static void read_power(const struct p2p_json_object *root, struct p2p_lab_plan *lab)
{
    static const char *const of_command[] = {"on", "off", "timeout_s", NULL};
    static const char *const of_gpiod[] = {"chip", "line", "offset", "active_low", "settle_ms", NULL};
    struct p2p_json_object object = p2p_json_child(root, "power", POWER_KEYS);
    size_t count;

    lab->power.off_ms = (uint32_t)p2p_json_integer_or(&object, "off_ms", OFF_MS, 2000);
    lab->power.kind = (enum p2p_lab_power)p2p_json_choice(&object, "kind", POWERS);
    if (lab->power.kind == P2P_LAB_POWER_GPIOD) {
        p2p_lab_refuse_keys(&object, of_command, "a power of kind \"gpiod\"");
        read_line(&object, &lab->power.relay);
        lab->power.settle_ms = (uint32_t)p2p_json_integer_or(&object, "settle_ms", SETTLE_MS, 100);
    } else {
        p2p_lab_refuse_keys(&object, of_gpiod, "a power of kind \"command\"");
        lab->power.on = p2p_json_strings(&object, "on", ARGUMENTS, &count);
        lab->power.off = p2p_json_strings(&object, "off", ARGUMENTS, &count);
        lab->power.timeout_s = (uint32_t)p2p_json_integer_or(&object, "timeout_s", TIMEOUT_S, 10);
    }
}

void p2p_lab_plan_read(const struct p2p_json_object *root, const struct p2p_json_object *board, bool uboot,
                       struct p2p_lab_plan *lab)
{
    struct p2p_json_object stimulus = p2p_json_child(root, "stimulus", LINE_KEYS);
    struct p2p_json_object query = p2p_json_child(root, "query", LINE_KEYS);
    struct p2p_json_object console = p2p_json_child(root, "console", CONSOLE_KEYS);

    lab->device_tree = p2p_json_path(board, "device_tree");
    read_addresses(board, &lab->addresses);
    if (uboot) {
        read_uboot(board, lab);
    } else {
        read_script(board, lab);
    }
    lab->boot_tries = (uint32_t)p2p_json_integer_or(board, "boot_tries", TRIES, 3);
    read_line(&stimulus, &lab->stimulus);
    read_line(&query, &lab->query);
    lab->console.device = p2p_json_path(&console, "device");
    lab->console.baud = (uint32_t)p2p_json_integer_or(&console, "baud", BAUD, 115200);
    read_power(root, lab);
}

static void release_line(struct p2p_lab_line *line)
{
    free(line->chip);
    free(line->line);
}

void p2p_lab_plan_release(struct p2p_lab_plan *lab)
{
    free(lab->device_tree);
    free(lab->uboot.folder);
    free(lab->uboot.interface);
    free(lab->uboot.prompt);
    free(lab->uboot.autoboot);
    free(lab->uboot.autoboot_key);
    p2p_json_strings_free(lab->uboot.setup);
    p2p_json_strings_free(lab->script);
    release_line(&lab->stimulus);
    release_line(&lab->query);
    free(lab->console.device);
    release_line(&lab->power.relay);
    p2p_json_strings_free(lab->power.on);
    p2p_json_strings_free(lab->power.off);
}
