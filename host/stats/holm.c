/* SPDX-License-Identifier: MIT */
#include "stats/holm.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *left, const void *right)
{
    const double a = **(double *const *)left;
    const double b = **(double *const *)right;

    return (a > b) - (a < b);
}

bool p2p_holm(double *p, size_t count)
{
    double **ascending = calloc(count, sizeof *ascending);
    double least = 0; /* a larger p never gets a smaller one */

    if (ascending == NULL) {
        return count == 0;
    }
    for (size_t i = 0; i < count; i++) {
        ascending[i] = &p[i];
    }
    qsort(ascending, count, sizeof *ascending, by_value);
    for (size_t i = 0; i < count; i++) {
        least = fmin(fmax(least, *ascending[i] * (double)(count - i)), 1);
        *ascending[i] = least;
    }
    free(ascending);
    return true;
}
