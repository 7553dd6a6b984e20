/* SPDX-License-Identifier: MIT */
#include "doctor/check.h"

#include "util/text.h"

#include <stdarg.h>
#include <stdio.h>

const char *p2p_finding_status_name(enum p2p_finding_status status)
{
    static const char *const names[] = {"ok", "warning", "failed", "skipped"};

    return names[status];
}

void p2p_find_ok(struct p2p_finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(finding->message, sizeof finding->message, format, arguments);
    va_end(arguments);
    p2p_make_printable(finding->message);
}

void p2p_find(struct p2p_finding *finding, enum p2p_finding_status status, const char *cure, const char *format, ...)
{
    va_list arguments;

    finding->status = status;
    snprintf(finding->cure, sizeof finding->cure, "%s", cure);
    p2p_make_printable(finding->cure);
    va_start(arguments, format);
    vsnprintf(finding->message, sizeof finding->message, format, arguments);
    va_end(arguments);
    p2p_make_printable(finding->message);
}
