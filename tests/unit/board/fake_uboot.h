/* SPDX-License-Identifier: MIT */
/*
 * A U-Boot for tests: a console and a virtual clock. It answers in the words of U-Boot 2023.01, loads real files from a
 * folder, and knows their CRC-32. A test changes its behaviour by orders.
 */
#ifndef FAKE_UBOOT_H
#define FAKE_UBOOT_H

#include "ports/ports.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_UBOOT_LINES = 32, FAKE_UBOOT_LINE_BYTES = 600, FAKE_UBOOT_OUT_BYTES = 1 << 16, FAKE_UBOOT_ORDERS = 4 };

/* What it says, instead of what it should, to lines that begin with `line`. */
struct fake_order {
    const char *line;
    const char *says;
    bool hangs; /* no prompt after it */
};

struct fake_uboot {
    /* Orders. */
    const char *banner; /* said at once; NULL: silence */
    bool deaf;          /* no key stops the autoboot */
    struct fake_order orders[FAKE_UBOOT_ORDERS];
    char eaten, garbled;      /* this character is not echoed, or echoed as '?' */
    const char *after_prompt; /* said unasked: a read finds it after one that found a prompt */
    const char *root;         /* of the TFTP server or the disk */
    int size_off;             /* what is told of a file's size is wrong by this */
    size_t piece;             /* bytes that one read gives at most */
    uint64_t thinks_ns;       /* before each thing that it says */
    unsigned fail_at;         /* the how-manyth call of the ports fails; 0: none */
    enum p2p_code failure;    /* with this */

    /* What happened. */
    uint64_t now_ns;
    unsigned calls;
    size_t keys; /* typed before the prompt */
    char key;    /* the last of them */
    char lines[FAKE_UBOOT_LINES][FAKE_UBOOT_LINE_BYTES];
    size_t line_count;

    /* Its state. */
    bool at_prompt, started;
    char line[FAKE_UBOOT_LINE_BYTES];
    size_t line_length;
    char out[FAKE_UBOOT_OUT_BYTES];
    size_t out_length, out_read, pause;
    uint64_t ready_ns; /* what is in `out` can be read from then on */
    struct {
        uint64_t address;
        unsigned long crc;
    } memory[FAKE_UBOOT_LINES];
    size_t loaded;
};

/* Zero-initialised but for `root`, then: a healthy one. */
void fake_uboot_init(struct fake_uboot *fake, const char *root);
struct p2p_console fake_uboot_console(struct fake_uboot *fake);
struct p2p_clock fake_uboot_clock(struct fake_uboot *fake);

#endif
