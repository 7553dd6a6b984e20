/* SPDX-License-Identifier: MIT */
#include "stats/beta.h"

#include <float.h>
#include <math.h>

#define LOG_SQRT_2PI 0.91893853320467274178
#define TWO_PI       6.28318530717958647693

enum { STIRLING_FROM = 16 };

/* log Gamma(z + 1) minus Stirling's formula: what is left does not grow, so that differences of it stay exact. */
static double stirling_error(double z)
{
    double zz = z * z;

    if (z < STIRLING_FROM) {
        return lgamma(z + 1) - (z + 0.5) * log(z) + z - LOG_SQRT_2PI;
    }
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / zz) / zz) / zz) / zz) / z;
}

/* e - log(1 + e), 0 at e = 0 and growing to both sides. */
static double deviance(double e)
{
    return e - log1p(e);
}

/*
 * x^a y^b / B(a, b), after Loader (2000): by how far x is from a / (a + b), and not as the difference of three large
 * logarithms. Here and below y is 1 - x: where one is next to 1, only the other still tells.
 */
static double front(double a, double b, double x, double y)
{
    double n = a + b;
    double off = x < y ? n * x - a : b - n * y;
    double exponent =
        stirling_error(n) - stirling_error(a) - stirling_error(b) - a * deviance(off / a) - b * deviance(-off / b);

    return sqrt(a * b / (TWO_PI * n)) * exp(exponent);
}

/*
 * The continued fraction of Didonato and Morris (1992), by Lentz' method. Some sqrt(max(a, b)) steps if x is at most
 * a / (a + b). The steps' own rounding is a few epsilons.
 */
static double fraction(double a, double b, double x, double y)
{
    double c = a * (a * y - b * x + 1) / (a + 1), d = 0, value = c, step, m = 0;

    do {
        const double at = a + 2 * ++m - 1;
        const double above = (a + m - 1) * (a + b + m - 1) * m * (b - m) * x * x / (at * at);
        const double below = m + m * (b - m) * x / at + (a + m) * (a * y - b * x + 1 + m * (1 + y)) / (at + 2);

        d = 1 / (below + above * d);
        c = below + above / c;
        step = c * d;
        value *= step;
    } while (fabs(step - 1) > 4 * DBL_EPSILON);
    return value;
}

double p2p_beta(double a, double b, double x)
{
    const double y = 1 - x;

    if (x <= 0 || x >= 1) {
        return x <= 0 ? 0 : 1;
    }
    if (a * y < b * x) {
        return 1 - front(a, b, x, y) / fraction(b, a, y, x);
    }
    return front(a, b, x, y) / fraction(a, b, x, y);
}

/* By halving until doubles end: slow (some 60 steps), sure, and as exact as p2p_beta. */
double p2p_beta_quantile(double a, double b, double probability)
{
    double low = 0, high = 1;

    for (;;) {
        double middle = low + (high - low) / 2;

        if (middle <= low || middle >= high) {
            return middle;
        }
        if (p2p_beta(a, b, middle) < probability) {
            low = middle;
        } else {
            high = middle;
        }
    }
}
