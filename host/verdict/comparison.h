/* SPDX-License-Identifier: MIT */
/*
 * Two results held against each other: what has become slower, what faster, and what cannot be told. Pure.
 *
 * The boot is the replicate: each boot of a configuration gives one value of a figure, its maximum too, and the values
 * of A are tested against those of B by their ranks. All figures of a configuration are tested together
 * (stats/joint.h), and Holm's correction over the configurations keeps the chance of a false alarm anywhere in the
 * table at `alpha`. Never are two maxima of whole runs compared: without any change, one of them is the larger one half
 * of the time.
 *
 * Where virtual time makes all boots of A agree, and all of B, and chance could not have, any difference is told.
 *
 * Stimuli that were missed or answered late are in no figure. So they are counted beside them: the side that has more
 * of them looks faster than it is.
 */
#ifndef P2P_VERDICT_COMPARISON_H
#define P2P_VERDICT_COMPARISON_H

#include "capture/pairing.h"
#include "stats/difference.h"
#include "stats/figures.h"
#include "store/result.h"
#include "verdict/comparable.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What its user calls it, and what it is. */
struct p2p_named_result {
    const char *name;
    struct p2p_result *result;
};

struct p2p_comparison_rules {
    double alpha;       /* of a false alarm in the whole table; intervals have the confidence 1 - alpha */
    double noise_floor; /* a part of A's figure: what is smaller is called the same */
};

/* What `compare` goes by if it is told nothing else; docs/comparing.md has the rates that were measured with it. */
extern const struct p2p_comparison_rules P2P_COMPARISON_DEFAULTS;

enum p2p_change {
    P2P_CHANGE_SLOWER,
    P2P_CHANGE_FASTER,
    P2P_CHANGE_SAME,         /* shown to be within the noise floor */
    P2P_CHANGE_UNDECIDED,    /* chance can explain it */
    P2P_CHANGE_TOO_FEW,      /* so few boots can show nothing */
    P2P_CHANGE_TOO_STRICT,   /* no number of boots could: the test's least p is above what alpha leaves it */
    P2P_CHANGE_NOT_COMPARED, /* there is nothing to compare, or it would not be fair */
};

enum { P2P_COMPARISON_REASON_BYTES = 160 };

struct p2p_comparison_row {
    const char *configuration; /* borrowed from A */
    enum p2p_figure figure;
    size_t a_boots, b_boots;          /* that have the figure; 0 of one: nothing else is valid but change and reason */
    double a_ns, b_ns;                /* medians over the boots */
    struct p2p_difference difference; /* of B against A, in ns; its p is this row's alone */
    double effect;                    /* the difference as a part of A's figure; infinite if that is 0 */
    double p_adjusted;                /* of the whole table; only of rows that were tested */
    enum p2p_change change;
    bool exact; /* no chance in it: no p is valid */
    char reason[P2P_COMPARISON_REASON_BYTES];
};

/* What became of one configuration's stimuli. */
struct p2p_comparison_answers {
    const char *configuration; /* borrowed from A */
    struct p2p_account a, b;
    /* SLOWER: B missed or was late for a larger part of them. NOT_COMPARED: A was. SAME: neither. */
    enum p2p_change change;
};

struct p2p_comparison {
    struct p2p_comparison_rules rules;
    struct p2p_comparability comparability; /* if they are not comparable, there are no rows and no configurations */
    size_t row_count;
    struct p2p_comparison_row *rows; /* what changed first, then by the size of the effect */
    size_t configuration_count;
    struct p2p_comparison_answers *answers; /* of each configuration, in A's order */
};

/*
 * B against A, which has to outlive the comparison. Configurations are paired by name. False: out of memory, and
 * nothing is to be freed; else end with p2p_comparison_free.
 */
bool p2p_compare(const struct p2p_result *a, const struct p2p_result *b, const struct p2p_comparison_rules *rules,
                 struct p2p_comparison *comparison);
void p2p_comparison_free(struct p2p_comparison *comparison);

/* How many rows say so. */
size_t p2p_comparison_count(const struct p2p_comparison *comparison, enum p2p_change change);

/* Stimuli that were missed or answered late. */
uint64_t p2p_unanswered(const struct p2p_account *account);

/* A row is slower, or more of a configuration's stimuli are unanswered. */
bool p2p_comparison_is_slower(const struct p2p_comparison *comparison);
/* A row could not be told, or of a configuration none was compared: that nothing is slower means nothing. */
bool p2p_comparison_is_open(const struct p2p_comparison *comparison);

/* "slower", "faster", "same", "~", "too few boots", "alpha too small", "not compared". */
const char *p2p_change_name(enum p2p_change change);

/* Sorts `values`; count > 0. */
double p2p_median(double *values, size_t count);

#endif
