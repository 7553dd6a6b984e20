/* SPDX-License-Identifier: MIT */
#include "core/pins.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define UNSET UINT32_MAX

/* Moves *text behind `prefix` if it starts with that. */
static bool take_prefix(const char **text, const char *prefix)
{
    size_t length = strlen(prefix);

    if (strncmp(*text, prefix, length) != 0)
        return false;
    *text += length;
    return true;
}

/* A decimal number below `limit` that ends its word. */
static bool take_number(const char **text, uint32_t limit, uint32_t *number)
{
    const char *digit = *text;
    uint32_t value = 0;

    while (*digit >= '0' && *digit <= '9' && value < limit)
        value = value * 10 + (uint32_t)(*digit++ - '0');
    if (digit == *text || value >= limit || (*digit != ' ' && *digit != '\0'))
        return false;
    *text = digit;
    *number = value;
    return true;
}

static const char *take_pin(const char **text, uint32_t pin_count, struct pins *pins)
{
    uint32_t *pin;

    if (take_prefix(text, "stimulus="))
        pin = &pins->stimulus;
    else if (take_prefix(text, "answer="))
        pin = &pins->answer;
    else if (take_prefix(text, "query="))
        pin = &pins->query;
    else
        return "unknown word";
    if (*pin != UNSET)
        return "a pin is given twice";
    if (!take_number(text, pin_count, pin))
        return "a pin is no number of a pin of this GPIO block";
    return NULL;
}

const char *pins_parse(const char *command_line, uint32_t pin_count, struct pins *pins)
{
    const char *wrong = NULL;

    *pins = (struct pins){UNSET, UNSET, UNSET};
    while (*command_line && !wrong) {
        if (*command_line == ' ')
            command_line++;
        else
            wrong = take_pin(&command_line, pin_count, pins);
    }
    if (wrong)
        return wrong;
    if (pins->stimulus == UNSET || pins->answer == UNSET || pins->query == UNSET)
        return "a pin is missing";
    if (pins->stimulus == pins->answer || pins->stimulus == pins->query || pins->answer == pins->query)
        return "two uses of one pin";
    return NULL;
}
