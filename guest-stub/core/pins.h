/* SPDX-License-Identifier: MIT */
/* The command line: which pins to use. */
#ifndef STUB_CORE_PINS_H
#define STUB_CORE_PINS_H

#include <stdint.h>

struct pins {
    uint32_t stimulus;
    uint32_t answer;
    uint32_t query;
};

/*
 * Parses "stimulus=0 answer=1 query=2", in any order, for pins below `pin_count` (at most 32). Returns NULL,
 * or what is wrong; `pins` is then undefined.
 */
const char *pins_parse(const char *command_line, uint32_t pin_count, struct pins *pins);

#endif
