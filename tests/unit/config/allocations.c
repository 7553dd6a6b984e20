/* SPDX-License-Identifier: MIT */
#include "allocations.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): the linker makes these names */
void *__real_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
char *__real_strdup(const char *text);
int __real_vasprintf(char **text, const char *format, va_list arguments);

void *__wrap_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
char *__wrap_strdup(const char *text);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

static size_t left;
static bool armed;

static bool fails(void)
{
    if (!armed || left-- > 0) {
        return false;
    }
    armed = false;
    errno = ENOMEM;
    return true;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    return fails() ? -1 : __real_vasprintf(text, format, arguments);
}

void allocations_hook_jansson(bool hook)
{
    json_set_alloc_funcs(hook ? __wrap_malloc : __real_malloc, free);
}

void allocations_fail_after(size_t count)
{
    left = count;
    armed = true;
}

bool allocations_failed(void)
{
    bool failed = !armed;

    armed = false;
    return failed;
}
