/* SPDX-License-Identifier: MIT */
/* The example of WIRES-SPEC.md, read from the document itself: it is the proof that both ends keep to it. */
#ifndef P2P_TESTS_PORTS_SPEC_EXAMPLE_H
#define P2P_TESTS_PORTS_SPEC_EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPEC_HOST_BYTES = 8 + 32 + 16,  /* EDGES, RUN */
    SPEC_BOARD_BYTES = 8 + 48 + 16, /* SEEN, PAUSED */
};

struct spec_example {
    uint8_t host[SPEC_HOST_BYTES];
    uint8_t board[SPEC_BOARD_BYTES];
};

/* False: the document has no such example, or one of another size. */
bool spec_example_load(struct spec_example *example);

#endif
