/* SPDX-License-Identifier: MIT */
#include "stats/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_VALUES = 4096 }; /* 32 KiB of counters */

__extension__ typedef unsigned __int128 uint128;

/* Everything but the count is derived from the counters when asked for: adding stays one look-up. */
struct p2p_histogram {
    uint64_t count;
    uint64_t **pages; /* NULL where no value was hit */
    size_t page_count;
};

struct p2p_histogram *p2p_histogram_new(void)
{
    return calloc(1, sizeof(struct p2p_histogram));
}

void p2p_histogram_free(struct p2p_histogram *histogram)
{
    if (histogram == NULL) {
        return;
    }
    for (size_t i = 0; i < histogram->page_count; i++) {
        free(histogram->pages[i]);
    }
    free(histogram->pages);
    free(histogram);
}

/* Makes room for page `index`, at most doubling. */
static bool grow(struct p2p_histogram *histogram, size_t index)
{
    size_t page_count = histogram->page_count > 0 ? histogram->page_count : 1;
    uint64_t **pages;

    while (page_count <= index) {
        page_count *= 2;
    }
    pages = realloc(histogram->pages, page_count * sizeof *pages);
    if (pages == NULL) {
        return false;
    }
    for (size_t i = histogram->page_count; i < page_count; i++) {
        pages[i] = NULL;
    }
    histogram->pages = pages;
    histogram->page_count = page_count;
    return true;
}

bool p2p_histogram_add(struct p2p_histogram *histogram, uint64_t value)
{
    const size_t index = value / PAGE_VALUES;

    if (value >= P2P_HISTOGRAM_VALUE_LIMIT) {
        return false;
    }
    if (index >= histogram->page_count && !grow(histogram, index)) {
        return false;
    }
    if (histogram->pages[index] == NULL) {
        histogram->pages[index] = calloc(PAGE_VALUES, sizeof *histogram->pages[index]);
        if (histogram->pages[index] == NULL) {
            return false;
        }
    }
    histogram->pages[index][value % PAGE_VALUES]++;
    histogram->count++;
    return true;
}

void p2p_histogram_take_back(struct p2p_histogram *histogram, uint64_t value)
{
    histogram->pages[value / PAGE_VALUES][value % PAGE_VALUES]--;
    histogram->count--;
}

void p2p_histogram_clear(struct p2p_histogram *histogram)
{
    for (size_t i = 0; i < histogram->page_count; i++) {
        if (histogram->pages[i] != NULL) {
            memset(histogram->pages[i], 0, PAGE_VALUES * sizeof *histogram->pages[i]);
        }
    }
    histogram->count = 0;
}

/* How often the first value at or above *value occurred, and that value; 0 if there is none. */
static uint64_t seek(const struct p2p_histogram *histogram, uint64_t *value)
{
    for (size_t index = *value / PAGE_VALUES; index < histogram->page_count; index++) {
        const uint64_t *page = histogram->pages[index];

        for (size_t i = *value % PAGE_VALUES; page != NULL && i < PAGE_VALUES; i++) {
            if (page[i] > 0) {
                *value = (uint64_t)index * PAGE_VALUES + i;
                return page[i];
            }
        }
        *value = ((uint64_t)index + 1) * PAGE_VALUES;
    }
    return 0;
}

void p2p_histogram_each(const struct p2p_histogram *histogram, p2p_histogram_fn *visit, void *user)
{
    uint64_t value = 0;
    uint64_t count;

    while ((count = seek(histogram, &value)) > 0) {
        visit(user, value++, count);
    }
}

uint64_t p2p_histogram_at_rank(const struct p2p_histogram *histogram, uint64_t rank)
{
    uint64_t value = 0;
    uint64_t count;

    while ((count = seek(histogram, &value)) > 0) {
        if (rank <= count) {
            return value;
        }
        rank -= count;
        value++;
    }
    return 0;
}

uint64_t p2p_histogram_count(const struct p2p_histogram *histogram)
{
    return histogram->count;
}

uint64_t p2p_histogram_min(const struct p2p_histogram *histogram)
{
    return p2p_histogram_at_rank(histogram, 1);
}

uint64_t p2p_histogram_max(const struct p2p_histogram *histogram)
{
    return p2p_histogram_at_rank(histogram, histogram->count);
}

double p2p_histogram_mean(const struct p2p_histogram *histogram)
{
    uint128 sum = 0; /* 2^32 values of 2^32 pass 64 bits */
    uint64_t value = 0;
    uint64_t count;

    if (histogram->count == 0) {
        return NAN;
    }
    while ((count = seek(histogram, &value)) > 0) {
        sum += (uint128)count * value++;
    }
    return (double)sum / (double)histogram->count;
}

double p2p_histogram_variance(const struct p2p_histogram *histogram)
{
    const double mean = p2p_histogram_mean(histogram);
    double squares = 0; /* of the distances: no small difference of large sums */
    uint64_t value = 0;
    uint64_t count;

    while ((count = seek(histogram, &value)) > 0) {
        const double distance = (double)value++ - mean;

        squares += (double)count * distance * distance;
    }
    return histogram->count > 1 ? squares / (double)(histogram->count - 1) : 0;
}

uint64_t p2p_histogram_quantile(const struct p2p_histogram *histogram, uint32_t numerator, uint32_t denominator)
{
    const uint128 rank = ((uint128)histogram->count * numerator + denominator - 1) / denominator;

    return p2p_histogram_at_rank(histogram, (uint64_t)rank);
}
