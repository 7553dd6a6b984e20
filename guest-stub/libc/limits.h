/* SPDX-License-Identifier: MIT */
/* The limits that libfdt asks for; the compiler's own header goes on to look for a libc's. */
#ifndef STUB_LIBC_LIMITS_H
#define STUB_LIBC_LIMITS_H

#define INT_MAX  __INT_MAX__
#define UINT_MAX (__INT_MAX__ * 2U + 1U)

#endif
