/* SPDX-License-Identifier: MIT */
/* NAME.plan.json: what to measure. Schema: docs/schema/plan.schema.json. */
#ifndef P2P_CONFIG_PLAN_H
#define P2P_CONFIG_PLAN_H

#include "util/error.h"
#include "util/name.h"
#include "verdict/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    P2P_CONFIGURATIONS_MAX = 256,
    P2P_NEIGHBOURS_MAX = 4, /* of one configuration */
    P2P_CPUS_MAX = 8,       /* GICv2's limit */
    P2P_SCHEDULER_BYTES = 16,
    P2P_XEN_VERSION_BYTES = 16,
};

enum p2p_vwfi {
    P2P_VWFI_TRAP,   /* Xen traps the guest's WFI and may schedule (Xen's default) */
    P2P_VWFI_NATIVE, /* the guest's WFI sleeps the physical CPU */
};

/* The CPUs that are kept apart for the guest; Xen leaves the others to everybody else. */
struct p2p_cpupool {
    uint32_t first_cpu, cpu_count; /* in a row; a count of 0: there is no such pool */
    char scheduler[P2P_SCHEDULER_BYTES];
};

/* What is asked of Xen, and what its console must confirm after boot. */
struct p2p_xen {
    char *image;                         /* absolute path */
    char build[P2P_NAME_BYTES];          /* the name of that image in the plan's "builds"; "": given by its path */
    char version[P2P_XEN_VERSION_BYTES]; /* "4.17": prefix of what "Xen version" must say, up to a dot */
    char scheduler[P2P_SCHEDULER_BYTES]; /* "credit2", "credit", "null", "rtds", "arinc653" */
    enum p2p_vwfi vwfi;
    bool debug;               /* "debug=y" in the banner */
    char *extra_command_line; /* appended to the composed command line; "" by default */
    struct p2p_cpupool cpupool;
};

/* A second domain, whose only use is the load that it makes. */
struct p2p_neighbour {
    char name[P2P_NAME_BYTES];
    char *image;         /* an arm64 Image; absolute path */
    uint32_t memory_mib; /* default 16 */
    uint32_t vcpus;      /* default 1 */
};

struct p2p_configuration {
    char name[P2P_NAME_BYTES]; /* [a-z0-9][a-z0-9._-]*, unique in the plan: it names a folder */
    char set[P2P_NAME_BYTES];  /* the set whose matrix it comes from; "": none */
    struct p2p_xen *xen;       /* NULL: native, the guest runs on the bare board */
    char *guest;               /* the guest's image, absolute path; NULL: the bench's stub */
    uint32_t gic;              /* version of the board's interrupt controller, 2 or 3; 0: the bench's own */
    uint32_t cpus;             /* physical CPUs; 0: one on the virtual board, all on a real one */
    size_t neighbour_count;    /* 0 on the bare board */
    const struct p2p_neighbour *neighbours[P2P_NEIGHBOURS_MAX]; /* of the plan */
    struct p2p_limits limits;                                   /* `of` of a relative limit always names somebody */
    struct p2p_band control;                                    /* of one configuration at most */
};

/*
 * When stimuli go up; u is uniform in [0, jitter] and e exponential, both by the plan's seed. Each goes down width
 * later, and the next never comes before that, nor before the deadline of this one.
 */
enum p2p_stimulus_kind {
    P2P_STIMULUS_PERIODIC, /* stimulus i at i * period + u(i) */
    P2P_STIMULUS_POISSON,  /* gap + e after the one before, with the mean period: a Poisson process with a dead time */
    P2P_STIMULUS_BURST,    /* burst b at b * period + u(b): burst_count stimuli, burst_spacing apart */
};

struct p2p_stimulus_plan {
    uint64_t period_ns;
    uint64_t jitter_ns;        /* 0 for Poisson */
    uint64_t width_ns;         /* > 0 */
    uint64_t deadline_ns;      /* an answer later than this is late; at most the least time between two stimuli */
    uint64_t gap_ns;           /* Poisson: least time between two stimuli, > width, < period; else 0 */
    uint64_t burst_spacing_ns; /* > width; 0 if not burst */
    uint32_t burst_count;      /* 2..10^6; 0 if not burst */
    enum p2p_stimulus_kind kind;
};

struct p2p_plan {
    char *path; /* as given by the user */
    char name[P2P_NAME_BYTES];
    char *bench_path; /* absolute, or NULL when the plan names none */
    uint64_t seed;
    uint32_t boots;         /* 1..1000, default 10 */
    uint32_t confirm_boots; /* fresh boots of a configuration that fails: 0..10, default 1 */
    uint64_t samples;       /* stimuli a boot, 1..10^9, default 10^4 */
    uint32_t warmup;        /* default 2 */
    struct p2p_stimulus_plan stimulus;
    char *baselines; /* the folder of pinned baselines, absolute path; NULL: the user's own */
    size_t neighbour_count;
    struct p2p_neighbour *neighbours;
    size_t configuration_count; /* 1..P2P_CONFIGURATIONS_MAX: those given one by one, then those of the sets */
    struct p2p_configuration *configurations;
};

/*
 * Reads and validates; unknown keys, wrong types and ranges are refused with file, JSON path, value and
 * expectation. Relative paths in the file are relative to the file's folder. Opens what describes a build of Xen, but
 * none of the images it names. NULL: see `error`. Free with p2p_plan_free.
 */
struct p2p_plan *p2p_plan_load(const char *path, struct p2p_error *error);
void p2p_plan_free(struct p2p_plan *plan);

const char *p2p_vwfi_name(enum p2p_vwfi vwfi);                   /* "trap", "native" */
const char *p2p_stimulus_kind_name(enum p2p_stimulus_kind kind); /* "periodic", "poisson", "burst" */

#endif
