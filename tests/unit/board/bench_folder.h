/* SPDX-License-Identifier: MIT */
/* A folder with all that a virtual bench names; its name has a comma, which QEMU's options must survive. */
#ifndef P2P_TESTS_BOARD_BENCH_FOLDER_H
#define P2P_TESTS_BOARD_BENCH_FOLDER_H

#include "config/bench.h"
#include "config/plan.h"
#include "util/error.h"

#include <stdbool.h>
#include <stdint.h>

struct bench_folder {
    char folder[64], stub[80], wires[80], xen_image[80], image[80], runner[80];
    char qemu[32], node[32]; /* this very program: fake_qemu.h, ../ports/fake_runner.h */
    char no_extra[1];
    struct p2p_bench bench; /* with the ideal probe; the rest of the virtual one is filled in */
    struct p2p_xen xen;
    struct p2p_configuration native, on_xen;
    struct p2p_error error;
    uint64_t open_before;
};

/* Makes it the working folder. */
bool bench_folder_make(struct bench_folder *f);
/* False when a folder, a descriptor or a process is left behind. */
bool bench_folder_remove(const struct bench_folder *f);

/* Our descriptors below 64, as bits. */
uint64_t bench_folder_open_fds(void);

/* Of f->error. */
void bench_folder_assert_error(const struct bench_folder *f, enum p2p_code code, const char *part);

#endif
