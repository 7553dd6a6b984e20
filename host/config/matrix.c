/* SPDX-License-Identifier: MIT */
#include "config/matrix.h"

#include <stdio.h>
#include <string.h>

/* More than this before the exclusions is a slip: a plan has 256 configurations at most. */
enum { COMBINATIONS_MAX = 4096 };

static const struct p2p_json_range AXIS_LENGTH = {1, 16};

const struct p2p_json_key P2P_AXES[P2P_AXES_MAX + 1] = {
    {"build", "builds of Xen"},
    {"scheduler", "Xen's schedulers"},
    {"vwfi", "who handles the guest's WFI"},
    {"gic", "versions of the interrupt controller"},
    {"neighbours", "neighbours, \"quiet\" for none"},
    {"cpus", "numbers of physical CPUs"},
    {NULL, NULL},
};

struct p2p_matrix p2p_matrix_read(const struct p2p_json_object *set)
{
    struct p2p_matrix matrix = {.object = p2p_json_child(set, "matrix", P2P_AXES), .count = 1};
    const char *key = p2p_json_key_at(&matrix.object, 0);

    if (key == NULL) {
        p2p_json_refuse(set, "matrix", "expected at least one key: what is it that the configurations differ in?");
    }
    while (key != NULL) {
        matrix.lengths[matrix.axis_count] = p2p_json_values(&matrix.object, key, AXIS_LENGTH);
        matrix.count *= matrix.lengths[matrix.axis_count];
        if (matrix.count > COMBINATIONS_MAX) {
            p2p_json_refuse(set, "matrix", "more than %d combinations: make several sets of it", COMBINATIONS_MAX);
        }
        matrix.axis_count++;
        key = p2p_json_key_at(&matrix.object, matrix.axis_count);
    }
    if (p2p_json_file_code(set->file) != P2P_OK) {
        matrix.count = 0;
    }
    return matrix;
}

struct p2p_combination p2p_matrix_combination(const struct p2p_matrix *matrix, size_t number)
{
    struct p2p_combination combination = {{0}};

    for (size_t axis = matrix->axis_count; axis-- > 0;) {
        combination.indices[axis] = number % matrix->lengths[axis];
        number /= matrix->lengths[axis];
    }
    return combination;
}

struct p2p_json_object p2p_matrix_pick(const struct p2p_matrix *matrix, const struct p2p_combination *combination)
{
    return p2p_json_pick(&matrix->object, combination->indices);
}

/* Numbers alone would not tell what they count. */
static const char *unit_of(const char *key)
{
    return strcmp(key, "gic") == 0 ? "gicv" : strcmp(key, "cpus") == 0 ? "cpus" : "";
}

bool p2p_matrix_name(const struct p2p_matrix *matrix, const struct p2p_combination *combination, const char *set,
                     char name[P2P_NAME_BYTES])
{
    struct p2p_json_object picked = p2p_matrix_pick(matrix, combination);
    size_t used = (size_t)snprintf(name, P2P_NAME_BYTES, "%s", set);
    const char *key;

    for (size_t axis = 0; used < P2P_NAME_BYTES && (key = p2p_json_key_at(&picked, axis)) != NULL; axis++) {
        if (matrix->lengths[axis] > 1) {
            char value[P2P_NAME_BYTES];

            p2p_json_text(&picked, key, value, sizeof value);
            used += (size_t)snprintf(name + used, P2P_NAME_BYTES - used, "-%s%s", unit_of(key), value);
        }
    }
    return used < P2P_NAME_BYTES;
}

/* A key that is no axis of this matrix would never matter. */
static void check_axes(const struct p2p_matrix *matrix, const struct p2p_json_object *some)
{
    const char *key;

    for (size_t i = 0; (key = p2p_json_key_at(some, i)) != NULL; i++) {
        if (!p2p_json_has(&matrix->object, key)) {
            p2p_json_refuse(some, key, "is no axis of %s: leave it out", matrix->object.place);
        }
    }
}

bool p2p_matrix_matches(const struct p2p_matrix *matrix, const struct p2p_json_object *some,
                        const struct p2p_combination *combination)
{
    struct p2p_combination moved = *combination;

    p2p_matrix_move(matrix, some, &moved);
    return memcmp(&moved, combination, sizeof moved) == 0;
}

void p2p_matrix_move(const struct p2p_matrix *matrix, const struct p2p_json_object *some,
                     struct p2p_combination *combination)
{
    const char *key;

    check_axes(matrix, some);
    for (size_t axis = 0; (key = p2p_json_key_at(&matrix->object, axis)) != NULL; axis++) {
        if (p2p_json_has(some, key)) {
            combination->indices[axis] = p2p_json_index_in(some, key, &matrix->object);
        }
    }
}

const struct p2p_json_object *p2p_matrix_or_own(const struct p2p_json_object *picked, const struct p2p_json_object *own,
                                                const char *key)
{
    if (picked == NULL || !p2p_json_has(picked, key)) {
        return own;
    }
    if (p2p_json_has(own, key)) {
        p2p_json_refuse(own, key, "the set's matrix gives it, too: keep one of the two");
    }
    return picked;
}
