/* SPDX-License-Identifier: MIT */
#include "util/text.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character of two and more at `text`; 0: it is none, or one for control. */
static size_t long_character(const unsigned char *text)
{
    static const uint32_t first[] = {0, 0xa0, 0x800, 0x10000}; /* below: control characters, and needlessly long ones */
    const size_t more = text[0] < 0xc2 || text[0] > 0xf4 ? 0 : text[0] < 0xe0 ? 1 : text[0] < 0xf0 ? 2 : 3;
    uint32_t code = text[0] & (0x3fU >> more);

    for (size_t i = 1; i <= more; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3fU);
    }
    return more == 0 || code < first[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : more + 1;
}

static char printable(char byte)
{
    switch (byte) {
    case '\n':
        return '|';
    case '\t':
        return ' ';
    default:
        return (char)(byte < ' ' || byte > '~' ? '?' : byte);
    }
}

void p2p_make_printable(char *text)
{
    while (*text != '\0') {
        size_t length = long_character((const unsigned char *)text);

        if (length == 0) {
            *text = printable(*text);
            length = 1;
        }
        text += length;
    }
}
