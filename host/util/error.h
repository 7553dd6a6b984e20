/* SPDX-License-Identifier: MIT */
/* Errors: a negative code says whose fault it is, a caller-owned message says what, where and the cure. */
#ifndef P2P_UTIL_ERROR_H
#define P2P_UTIL_ERROR_H

enum p2p_code {
    P2P_OK = 0,
    P2P_E_INPUT = -1,       /* the user's: an argument, a plan, a bench file, a run folder          (exit 2) */
    P2P_E_BENCH = -2,       /* the bench's: device, boot, protocol, lost edges                      (exit 4) */
    P2P_E_HOST = -3,        /* this computer's: disk full, no memory, a system call                 (exit 4) */
    P2P_E_INTERRUPTED = -4, /* somebody asked us to stop                                           (exit 130) */
};

enum { P2P_ERROR_MESSAGE_BYTES = 1024 };

/* Zero-initialise: `struct p2p_error error = {0};`. Functions that take one expect it, never NULL. */
struct p2p_error {
    enum p2p_code code;
    char message[P2P_ERROR_MESSAGE_BYTES];
};

/*
 * Messages quote consoles, emulators and files: control characters in them are made visible (p2p_make_printable).
 *
 * Records the error unless one is recorded already (the first error wins: what follows is its consequence) and
 * returns `code`, so that `return p2p_error_set(...)` reads well.
 */
enum p2p_code p2p_error_set(struct p2p_error *error, enum p2p_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As above, with ": " and the text of `errno_value` appended. */
enum p2p_code p2p_error_set_errno(struct p2p_error *error, enum p2p_code code, int errno_value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The code of a failure that has been seen by other means (a NULL): never P2P_OK, even if nobody recorded why. */
static inline enum p2p_code p2p_failure(const struct p2p_error *error)
{
    return error->code != P2P_OK ? error->code : P2P_E_HOST;
}

#endif
