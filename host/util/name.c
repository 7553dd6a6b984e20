/* SPDX-License-Identifier: MIT */
#include "util/name.h"

#include <string.h>

bool p2p_is_name(const char *text, size_t size)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(text);

    return length < size && strspn(text, first) > 0 && strspn(text, rest) == length;
}
