/* SPDX-License-Identifier: MIT */
/*
 * Edges out of a CSV file: one that a capture wrote, or the user. The columns `time_ns`, `channel` and `level` are
 * found by the first line; others are passed over. Reads line by line, in constant memory.
 */
#ifndef P2P_REPORTS_CAPTURE_READER_H
#define P2P_REPORTS_CAPTURE_READER_H

#include "util/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { P2P_CAPTURE_CHANNELS = 2 };

struct p2p_timed_edge {
    uint64_t at_ns;  /* a fraction is rounded to the nearest; below 2^63 */
    uint8_t channel; /* enum p2p_channel: stimulus or answer */
    uint8_t level;
};

/* What a file holds, found out when it was opened. */
struct p2p_capture_summary {
    uint64_t edges;
    uint64_t last_ns;                       /* of the last edge; 0 without any */
    bool starts_high[P2P_CAPTURE_CHANNELS]; /* the channel's first edge falls */
};

struct p2p_capture_reader;

/*
 * Reads the whole file once, so that a wrong line is found before anything is played; then stands before its first
 * edge. NULL: see `error` (P2P_E_INPUT: file, line and value). Close with p2p_capture_reader_close.
 */
struct p2p_capture_reader *p2p_capture_reader_open(const char *path, struct p2p_error *error);
void p2p_capture_reader_close(struct p2p_capture_reader *reader); /* may be NULL */

const struct p2p_capture_summary *p2p_capture_reader_summary(const struct p2p_capture_reader *reader);

/* The next edge; *there is false behind the last one. Times never go back. */
enum p2p_code p2p_capture_reader_next(struct p2p_capture_reader *reader, struct p2p_timed_edge *edge, bool *there,
                                      struct p2p_error *error);

#endif
