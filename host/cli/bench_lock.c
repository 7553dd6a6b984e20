/* SPDX-License-Identifier: MIT */
#include "cli/bench_lock.h"

#include "util/file.h"
#include "util/lock.h"

#include <stdio.h>
#include <stdlib.h>

/* One port has many names: /dev/serial/by-id/... is a link. One that is not there keeps the name it has. */
static char *port_name(const char *device)
{
    char *real = realpath(device, NULL);
    char *name = p2p_format("probe %s", real != NULL ? real : device);

    free(real);
    return name;
}

/* *name is NULL: no hardware, or no memory, which the code says. */
static enum p2p_code probe_name(const struct p2p_probe_plan *probe, char **name, struct p2p_error *error)
{
    *name = NULL;
    switch (probe->kind) {
    case P2P_PROBE_IDEAL:
    case P2P_PROBE_VIRTUAL:
        return P2P_OK;
    case P2P_PROBE_FTDI:
        *name = p2p_format("probe %s", probe->serial != NULL ? probe->serial : "ftdi");
        break;
    case P2P_PROBE_SERIAL:
        *name = port_name(probe->device);
        break;
    }
    return *name != NULL ? P2P_OK : p2p_error_set(error, P2P_E_HOST, "out of memory");
}

static struct p2p_lock *take(const char *name, const char *what, uint64_t lease_s, bool verbose,
                             struct p2p_error *error)
{
    struct p2p_lock *lock = p2p_lock_take(name, what, lease_s, error);

    if (lock != NULL && verbose && p2p_lock_left_by(lock)[0] != '\0') {
        fprintf(stderr, "%s: taken over from %s, which was killed\n", name, p2p_lock_left_by(lock));
    }
    return lock;
}

enum p2p_code p2p_bench_lock_take(struct p2p_bench_lock *lock, const struct p2p_bench *bench, unsigned parts,
                                  const char *what, uint64_t lease_s, bool verbose, struct p2p_error *error)
{
    char *name = NULL;
    enum p2p_code code = P2P_OK;

    if ((parts & P2P_LOCK_BOARD) != 0 && p2p_bench_is_lab(bench)) {
        char board[sizeof "bench " + P2P_NAME_BYTES];

        snprintf(board, sizeof board, "bench %s", bench->name);
        lock->board = take(board, what, lease_s, verbose, error);
        code = lock->board != NULL ? P2P_OK : p2p_failure(error);
    }
    if ((parts & P2P_LOCK_PROBE) != 0 && code == P2P_OK) {
        code = probe_name(&bench->probe, &name, error);
    }
    if (name != NULL) {
        lock->probe = take(name, what, lease_s, verbose, error);
        code = lock->probe != NULL ? P2P_OK : p2p_failure(error);
    }
    free(name);
    return code;
}

void p2p_bench_lock_release(struct p2p_bench_lock *lock)
{
    p2p_lock_release(lock->probe);
    p2p_lock_release(lock->board);
}
