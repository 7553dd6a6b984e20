/* SPDX-License-Identifier: MIT */
#include "util/error.h"

#include "util/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void record(struct p2p_error *error, enum p2p_code code,
                                                         const char *format, va_list arguments)
{
    error->code = code;
    vsnprintf(error->message, sizeof error->message, format, arguments);
    p2p_make_printable(error->message);
}

enum p2p_code p2p_error_set(struct p2p_error *error, enum p2p_code code, const char *format, ...)
{
    if (error->code == P2P_OK) {
        va_list arguments;

        va_start(arguments, format);
        record(error, code, format, arguments);
        va_end(arguments);
    }
    return code;
}

enum p2p_code p2p_error_set_errno(struct p2p_error *error, enum p2p_code code, int errno_value, const char *format, ...)
{
    if (error->code == P2P_OK) {
        va_list arguments;
        size_t used;

        va_start(arguments, format);
        record(error, code, format, arguments);
        va_end(arguments);
        used = strlen(error->message);
        snprintf(error->message + used, sizeof error->message - used, ": %s", strerror(errno_value));
    }
    return code;
}
