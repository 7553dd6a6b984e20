/* SPDX-License-Identifier: MIT */
/*
 * One user of a bench at a time. The kernel holds the lock, on a file that all users of this computer share, and drops
 * it when its holder ends, however that is: a `kill -9` leaves nothing to clean up. The file's text says who the holder
 * is, for messages only; it is never removed, for whoever waited for it would hold a lock on a file without a name.
 */
#ifndef P2P_UTIL_LOCK_H
#define P2P_UTIL_LOCK_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The environment's folder for the lock files; for tests, and for computers without a folder that all may write. */
#define P2P_LOCK_FOLDER_VARIABLE "PIN2PIN_LOCK_FOLDER"

enum { P2P_LOCK_OWNER_BYTES = 512 };

struct p2p_lock;

/*
 * Takes the lock of `name`, as messages call it: "bench lab". `what` is what it is for: "run nightly.plan.json". The
 * lease, in seconds from now, is when its holder should be done, 0: nobody knows; it ends nothing, but who is refused
 * is told that it is over. NULL: see `error`; P2P_E_BENCH: another has it, or its file is not one of ours. Free with
 * p2p_lock_release.
 */
struct p2p_lock *p2p_lock_take(const char *name, const char *what, uint64_t lease_s, struct p2p_error *error);
void p2p_lock_release(struct p2p_lock *lock); /* may be NULL */

/* The owner before, as p2p_lock_owner gives it, if it ended without a release: it was killed. "": it did release. */
const char *p2p_lock_left_by(const struct p2p_lock *lock);

/*
 * Whether somebody (we, too) has the lock, and who: "pid 123 (alice, since 2026-11-22T18:00:00Z, run nightly.plan.json,
 * until 2026-11-23T02:00:00Z)". Takes nothing, waits for nobody. What cannot be looked at is not held.
 */
bool p2p_lock_owner(const char *name, char owner[P2P_LOCK_OWNER_BYTES]);

#endif
