/* SPDX-License-Identifier: MIT */
/* Floating point in tests: fails with both values. */
#ifndef P2P_TESTS_STATS_NEAR_H
#define P2P_TESTS_STATS_NEAR_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance)) { /* NaN fails, too */
        print_error("found %.17g, expected %.17g +- %.3g\n", found, expected, tolerance);
        fail();
    }
}

#endif
