/* SPDX-License-Identifier: MIT */
/*
 * May two measurements be held against each other? Only if they differ in what is under test and in nothing else that
 * moves the figures: time base, wiring, the kind of probe and its clock, the guest that answers.
 *
 * Told, but no reason to refuse: another probe of the same kind, as probes are exchanged when they break, and the
 * difference that this may make is in their uncertainty budgets; another path of the same stub, as that is what one
 * compares to see an instruction more; another schedule of stimuli.
 */
#ifndef P2P_VERDICT_COMPARABLE_H
#define P2P_VERDICT_COMPARABLE_H

#include "capture/edge.h"

#include <stdbool.h>
#include <stdint.h>

/* Strings are borrowed; "": it is not known. */
struct p2p_setup {
    enum p2p_time_base time_base;
    const char *wiring;    /* board, pins, probe */
    const char *probe;     /* its kind */
    const char *serial;    /* which one of its kind */
    uint64_t tick_hz;      /* of its clock */
    const char *stub;      /* name and version of the guest */
    const char *stub_path; /* its instructions before the answer */
};

enum { P2P_REMARKS_BYTES = 1024 };

/* Zero-initialise. */
struct p2p_comparability {
    char reasons[P2P_REMARKS_BYTES]; /* why not, all of them, joined by "; "; "": they are comparable */
    char notes[P2P_REMARKS_BYTES];   /* what else to know, likewise */
};

/* Of the whole: time base, wiring, probe. */
void p2p_compare_benches(const struct p2p_setup *a, const struct p2p_setup *b, struct p2p_comparability *comparability);

/* Of one configuration: its guest. */
void p2p_compare_guests(const char *configuration, const struct p2p_setup *a, const struct p2p_setup *b,
                        struct p2p_comparability *comparability);

static inline bool p2p_is_comparable(const struct p2p_comparability *comparability)
{
    return comparability->reasons[0] == '\0';
}

/* Adds one more remark to `remarks`, unless it is there already; what does not fit is cut and ends in "...". */
void p2p_remark(char remarks[P2P_REMARKS_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
