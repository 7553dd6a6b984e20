/* SPDX-License-Identifier: MIT */
/* The names that people give: [a-z0-9][a-z0-9._-]*, safe as the name of a folder. */
#ifndef P2P_UTIL_NAME_H
#define P2P_UTIL_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum { P2P_NAME_BYTES = 64 }; /* with the terminating 0 */

/* Whether `text` is such a name, and fits into `size` bytes. */
bool p2p_is_name(const char *text, size_t size);

#endif
