/* SPDX-License-Identifier: MIT */
/*
 * The "matrix" of a set: a few keys of a configuration, its axes, each with the values that it takes. Every combination
 * of one value on each axis is a configuration.
 */
#ifndef P2P_CONFIG_MATRIX_H
#define P2P_CONFIG_MATRIX_H

#include "config/json_reader.h"
#include "util/name.h"

enum { P2P_AXES_MAX = 6 };

/* All keys that can be axes, for whoever enters an object of some. */
extern const struct p2p_json_key P2P_AXES[P2P_AXES_MAX + 1];

/* All of it is matrix.c's own but `count`. */
struct p2p_matrix {
    struct p2p_json_object object;
    size_t axis_count;
    size_t lengths[P2P_AXES_MAX];
    size_t count; /* combinations; 0 when refused */
};

/* Which value on each axis. */
struct p2p_combination {
    size_t indices[P2P_AXES_MAX];
};

/* The "matrix" of `set`. */
struct p2p_matrix p2p_matrix_read(const struct p2p_json_object *set);

/* The combination `number`, 0..count - 1: the last axis is the fastest. */
struct p2p_combination p2p_matrix_combination(const struct p2p_matrix *matrix, size_t number);

/* The matrix with that one value for each key. */
struct p2p_json_object p2p_matrix_pick(const struct p2p_matrix *matrix, const struct p2p_combination *combination);

/* "SET-VALUE-VALUE", of the axes that have more than one value. False: it does not fit, and is cut. */
bool p2p_matrix_name(const struct p2p_matrix *matrix, const struct p2p_combination *combination, const char *set,
                     char name[P2P_NAME_BYTES]);

/*
 * `some` has a few of the axes as keys, each with one of its values. The first tells whether the combination has all of
 * these values; the second gives it them.
 */
bool p2p_matrix_matches(const struct p2p_matrix *matrix, const struct p2p_json_object *some,
                        const struct p2p_combination *combination);
void p2p_matrix_move(const struct p2p_matrix *matrix, const struct p2p_json_object *some,
                     struct p2p_combination *combination);

/*
 * Whichever of the two has `key`, `own` if neither; it is refused in both. `picked` may be NULL and need not know the
 * key.
 */
const struct p2p_json_object *p2p_matrix_or_own(const struct p2p_json_object *picked, const struct p2p_json_object *own,
                                                const char *key);

#endif
