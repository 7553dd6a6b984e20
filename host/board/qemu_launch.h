/* SPDX-License-Identifier: MIT */
/* One QEMU command line in the making, with the descriptors that it names. Nothing of it has a name in any folder. */
#ifndef P2P_BOARD_QEMU_LAUNCH_H
#define P2P_BOARD_QEMU_LAUNCH_H

#include "util/error.h"
#include "util/process.h"

#include <stdbool.h>
#include <stddef.h>

enum { P2P_QEMU_FDS_MAX = 6, P2P_QEMU_ARGUMENTS_MAX = 64 };

/* Zero-initialise; end with p2p_qemu_launch_free. What does not fit or finds no memory is told by _start. */
struct p2p_qemu_launch {
    const char *arguments[P2P_QEMU_ARGUMENTS_MAX];
    size_t argument_count;
    char *owned[P2P_QEMU_ARGUMENTS_MAX];
    size_t owned_count;
    int fds[P2P_QEMU_FDS_MAX];
    size_t fd_count;
    bool incomplete;
};

/* `argument` is borrowed until the launch is freed. */
void p2p_qemu_launch_add(struct p2p_qemu_launch *launch, const char *argument);

/* `text` comes from p2p_format and may be NULL; the launch owns it. */
void p2p_qemu_launch_add_owned(struct p2p_qemu_launch *launch, char *text);

/* QEMU splits its options at commas; a doubled comma stands for itself. The launch owns the copy. */
const char *p2p_qemu_launch_escape(struct p2p_qemu_launch *launch, const char *path);

/* QEMU inherits `fd` under its number; the launch closes ours. */
void p2p_qemu_launch_add_fd(struct p2p_qemu_launch *launch, int fd);

/* A file in memory for QEMU to read as /proc/self/fd/N. N, or -1: see `error`. */
int p2p_qemu_launch_add_file(struct p2p_qemu_launch *launch, const char *name, const void *data, size_t size,
                             struct p2p_error *error);

/* NULL: see `error`. */
struct p2p_process *p2p_qemu_launch_start(struct p2p_qemu_launch *launch, struct p2p_error *error);

void p2p_qemu_launch_free(struct p2p_qemu_launch *launch);

#endif
