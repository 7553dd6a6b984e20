/* SPDX-License-Identifier: MIT */
/*
 * GPIO chips, put in place of the kernel's by the linker: what describes a request is the real libgpiod's. Chips hold
 * and drive lines, and fail as the test wants. Whatever was opened or taken is counted.
 */
#ifndef P2P_TESTS_PORTS_FAKE_GPIOD_H
#define P2P_TESTS_PORTS_FAKE_GPIOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_CHIPS_MAX = 3, FAKE_LINES = 4, FAKE_CHANGES_MAX = 16384, FAKE_NEVER = -1 };

struct fake_line {
    const char *name;     /* NULL: none */
    const char *consumer; /* who holds it; NULL: nobody, or nobody knows */
    bool held;
    bool high;  /* the voltage, as it was set last */
    int sticks; /* its voltage whatever is set, 0 or 1; FAKE_NEVER */
};

struct fake_chip {
    const char *path, *name, *label;
    bool is_chip; /* by gpiod_is_gpiochip_device */
    int open_errno, info_errno, line_info_errno;
    struct fake_line lines[FAKE_LINES];
};

/* A voltage that changed. */
struct fake_change {
    uint64_t at_ns;
    uint8_t line;
    bool high;
};

struct fake_gpiod {
    struct fake_chip chips[FAKE_CHIPS_MAX];
    size_t chip_count;
    int request_errno; /* 0: by who holds the line */
    int read_errno;
    int sets_fail_in;        /* the how manyth time; FAKE_NEVER */
    int allocations_fail_in; /* of libgpiod's objects, glob's list, and ours; likewise */
    uint64_t (*now_ns)(void);
    struct fake_change changes[FAKE_CHANGES_MAX];
    size_t change_count;
    int open_chips, infos, requests; /* not yet given back */
};

extern struct fake_gpiod fake_gpiod;

/* One chip, gpiochip0 "pl061", at whose lines 0 and 1 "STIMULUS" and "QUERY" nobody stands. */
void fake_gpiod_reset(void);
/* Another chip with lines without names. */
struct fake_chip *fake_gpiod_add(const char *path, const char *name, const char *label);
/* Nothing is open, nothing is held by us. */
void fake_gpiod_check_all_given_back(void);

#endif
