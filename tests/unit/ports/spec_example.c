/* SPDX-License-Identifier: MIT */
#include "spec_example.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sink {
    uint8_t *bytes;
    size_t count, capacity;
};

/* Two-digit hex words of a line, up to the first word that is none. False: more than there is room for. */
static bool take_hex(const char *text, struct sink *sink)
{
    for (text += strspn(text, " ");
         isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]) && isspace((unsigned char)text[2]);
         text += 2 + strspn(text + 2, " ")) {
        if (sink->count == sink->capacity) {
            return false;
        }
        sink->bytes[sink->count++] = (uint8_t)strtoul((char[3]){text[0], text[1]}, NULL, 16);
    }
    return true;
}

bool spec_example_load(struct spec_example *example)
{
    struct sink host = {.bytes = example->host, .capacity = sizeof example->host};
    struct sink board = {.bytes = example->board, .capacity = sizeof example->board};
    struct sink *side = NULL;
    FILE *spec = fopen(P2P_SOURCE_DIR "/host/ports/WIRES-SPEC.md", "r");
    bool fits = spec != NULL;
    char line[256];

    /* A line starts with the name of its side; if it is indented, it goes on with the side before. */
    while (fits && fgets(line, sizeof line, spec) != NULL) {
        if (strncmp(line, "host  ", 6) == 0) {
            side = &host;
        } else if (strncmp(line, "board ", 6) == 0) {
            side = &board;
        } else if (strncmp(line, "      ", 6) != 0) {
            side = NULL;
        }
        fits = side == NULL || take_hex(line + 6, side);
    }
    if (spec != NULL) {
        (void)fclose(spec);
    }
    return fits && host.count == host.capacity && board.count == board.capacity;
}
