/* SPDX-License-Identifier: MIT */
#include "distributions.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_SAMPLES_MAX = 1000000 };

#define PI 3.14159265358979323846

static void take_name(struct trace *trace, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dot;

    snprintf(trace->name, sizeof trace->name, "%s", slash != NULL ? slash + 1 : path);
    dot = strrchr(trace->name, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
}

/* False: a line is not "latency_ns,count", or there are too many. */
static bool read_samples(FILE *file, struct trace *trace)
{
    char line[64];

    for (bool head = true; fgets(line, sizeof line, file) != NULL; head = false) {
        char *end;
        const uint64_t ns = strtoull(line, &end, 10), count = *end == ',' ? strtoull(end + 1, NULL, 10) : 0;

        if (head) {
            continue;
        }
        if (ns == 0 || ns > UINT32_MAX || count == 0 || count > TRACE_SAMPLES_MAX - trace->count) {
            return false;
        }
        for (uint64_t i = 0; i < count; i++) {
            trace->ns[trace->count++] = (uint32_t)ns;
        }
    }
    return trace->count > 0;
}

struct trace *trace_load(const char *path)
{
    FILE *file = fopen(path, "re");
    struct trace *trace = calloc(1, sizeof *trace);
    bool good = file != NULL && trace != NULL;

    if (good) {
        take_name(trace, path);
        trace->ns = calloc(TRACE_SAMPLES_MAX, sizeof *trace->ns);
        good = trace->ns != NULL && read_samples(file, trace);
    }
    if (!good) {
        fprintf(stderr, "rates: %s: expected a CSV file of latency_ns,count\n", path);
        trace_free(trace);
        trace = NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return trace;
}

void trace_free(struct trace *trace)
{
    if (trace != NULL) {
        free(trace->ns);
        free(trace);
    }
}

double draw_uniform(struct p2p_prng *prng)
{
    return ((double)(p2p_prng_next(prng) >> 12) + 0.5) / 0x1p52;
}

/* Box and Muller's. */
double draw_normal(struct p2p_prng *prng)
{
    const double radius = sqrt(-2 * log(draw_uniform(prng)));

    return radius * cos(2 * PI * draw_uniform(prng));
}

double draw_trace(const struct trace *trace, struct p2p_prng *prng)
{
    return trace->ns[p2p_prng_below(prng, trace->count)];
}

double draw_lognormal(const struct trace *unused, struct p2p_prng *prng)
{
    (void)unused;
    return 1850 * exp(0.1 * draw_normal(prng));
}

double draw_pareto(const struct trace *unused, struct p2p_prng *prng)
{
    const double body = 1800 + 100 * draw_uniform(prng);

    (void)unused;
    return p2p_prng_below(prng, 20) > 0 ? body : body + 100 * (pow(draw_uniform(prng), -1 / 2.5) - 1);
}

double draw_bimodal(const struct trace *unused, struct p2p_prng *prng)
{
    const double width = 20 * (draw_uniform(prng) + draw_uniform(prng) - 1);

    (void)unused;
    return (p2p_prng_below(prng, 3) > 0 ? 1750 : 1950) + width;
}
