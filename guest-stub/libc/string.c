/* SPDX-License-Identifier: MIT */
/* Byte by byte: the MMU is off, so memory is Device memory, where an unaligned wider access faults. */
#include <string.h>

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    unsigned char *target = to;
    const unsigned char *source = from;

    while (count--)
        *target++ = *source++;
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    unsigned char *target = to;
    const unsigned char *source = from;

    if (target <= source) {
        while (count--)
            *target++ = *source++;
    } else {
        while (count--)
            target[count] = source[count];
    }
    return to;
}

void *memset(void *to, int byte, size_t count)
{
    unsigned char *target = to;

    while (count--)
        *target++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t count)
{
    const unsigned char *left = a;
    const unsigned char *right = b;

    for (; count; count--, left++, right++) {
        if (*left != *right)
            return *left - *right;
    }
    return 0;
}

void *memchr(const void *area, int byte, size_t count)
{
    const unsigned char *here = area;

    for (; count; count--, here++) {
        if (*here == (unsigned char)byte)
            return (void *)(uintptr_t)here; /* the standard's own loss of const */
    }
    return NULL;
}

size_t strnlen(const char *text, size_t limit)
{
    size_t length = 0;

    while (length < limit && text[length])
        length++;
    return length;
}

size_t strlen(const char *text)
{
    return strnlen(text, (size_t)-1);
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit; limit--, a++, b++) {
        if (*a != *b || !*a)
            return (unsigned char)*a - (unsigned char)*b;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, (size_t)-1);
}

char *strchr(const char *text, int character)
{
    return memchr(text, character, strlen(text) + 1);
}

char *strrchr(const char *text, int character)
{
    for (size_t i = strlen(text) + 1; i--;) {
        if (text[i] == (char)character)
            return (char *)(uintptr_t)&text[i];
    }
    return NULL;
}
