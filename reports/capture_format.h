/* SPDX-License-Identifier: MIT */
/* Between capture_report.c and its formats; not for others. */
#ifndef P2P_REPORTS_CAPTURE_FORMAT_H
#define P2P_REPORTS_CAPTURE_FORMAT_H

#include "reports/capture_report.h"

#include <stdbool.h>

struct p2p_capture_report {
    const struct p2p_capture_ops *ops;
    FILE *out;
    uint64_t tick_hz, origin_ticks;
    bool any;            /* an edge came */
    uint64_t last_ticks; /* of the latest edge; before the first one the origin */
    bool doubted[2];     /* VCD: the channel's latest edge bears a flag */
};

struct p2p_capture_ops {
    void (*begin)(struct p2p_capture_report *report, const char *probe);
    void (*edge)(struct p2p_capture_report *report, const struct p2p_edge *edge);
    void (*end)(struct p2p_capture_report *report, const char *fault);
};

extern const struct p2p_capture_ops p2p_capture_text;
extern const struct p2p_capture_ops p2p_capture_csv;
extern const struct p2p_capture_ops p2p_capture_vcd;

/* "GLITCH", "CLIPPED", both with "+", or "". */
const char *p2p_edge_flags_text(uint8_t flags);

#endif
