/* SPDX-License-Identifier: MIT */
/*
 * Looks at a bench from its files to a whole boot, and tells for each thing that is wrong what to do. Checks go from
 * cheap to intrusive; one that cannot be made because another failed is skipped and says so. A lab bench is switched
 * off, gets a pulse on its stimulus line, is booted once natively, and ends off on every path.
 */
#ifndef P2P_DOCTOR_DOCTOR_H
#define P2P_DOCTOR_DOCTOR_H

#include "config/bench.h"
#include "util/error.h"

enum p2p_finding_status {
    P2P_FINDING_OK,
    P2P_FINDING_WARNING, /* a run would work, but less well, or not for ever */
    P2P_FINDING_FAILED,
    P2P_FINDING_SKIPPED, /* what it needs has failed */
};

enum { P2P_CURE_BYTES = 384 };

struct p2p_finding {
    const char *name;
    enum p2p_finding_status status;
    char message[P2P_ERROR_MESSAGE_BYTES];
    char cure[P2P_CURE_BYTES]; /* "": nothing is to be done */
};

typedef void p2p_finding_fn(void *user, const struct p2p_finding *finding);

/* Borrowed. */
struct p2p_doctor {
    const struct p2p_bench *bench;
    const char *busy;           /* who has the bench, in words; "": nobody, and the caller keeps it so */
    const char *folder;         /* where run folders will be: "." */
    const char *sysfs, *dev;    /* "/sys", "/dev"; tests have trees of their own */
    int stop_fd;                /* readable when the user wants out; -1: none */
    p2p_finding_fn *on_finding; /* called after each check; those that make no sense on this bench are left out */
    void *user;
};

const char *p2p_finding_status_name(enum p2p_finding_status status); /* "ok", "warning", "failed", "skipped" */

/* P2P_E_INTERRUPTED: the user wants out; what was found until then was told. P2P_E_HOST: out of memory. */
enum p2p_code p2p_doctor_run(const struct p2p_doctor *doctor, struct p2p_error *error);

#endif
