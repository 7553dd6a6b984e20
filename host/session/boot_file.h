/* SPDX-License-Identifier: MIT */
/* boot.json: what one boot was and how it went (docs/schema/boot.schema.json). Written last. */
#ifndef P2P_SESSION_BOOT_FILE_H
#define P2P_SESSION_BOOT_FILE_H

#include "session/session.h"
#include "store/run_folder.h"

#include <time.h>

struct p2p_boot_file {
    const struct p2p_session *session;
    const struct p2p_boot_record *record;
    uint32_t boot;
    bool confirmation;          /* a fresh boot of a configuration that had failed */
    struct timespec started_at; /* CLOCK_REALTIME */
    double wall_s;
    const char *fault;        /* NULL: the boot is whole */
    struct p2p_vouched edges; /* what it vouches for: edges.p2p */
    struct p2p_vouched truth; /* and truth.p2p */
};

enum p2p_code p2p_boot_file_write(const char *path, const struct p2p_boot_file *boot, struct p2p_error *error);

#endif
