/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stddef.h>

static int left = -1; /* -1: no limit */
static bool ran_out;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): the linker makes these names */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

static bool fails(void)
{
    if (left == 0) {
        ran_out = true;
        return true;
    }
    left -= left > 0;
    return false;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

void memory_lasts_for(int count)
{
    left = count;
    ran_out = false;
}

bool memory_ran_out(void)
{
    left = -1;
    return ran_out;
}
