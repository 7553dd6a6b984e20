/* SPDX-License-Identifier: MIT */
/*
 * The cable between probe and host, with faults by a schedule: a byte stream at the host's end. It keeps a record of
 * what the probe sent and of what the host was given, so that it can say whether any harm was done.
 */
#ifndef P2P_TESTS_SESSION_FAULTY_LINK_H
#define P2P_TESTS_SESSION_FAULTY_LINK_H

#include "ports/byte_stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum faulty_kind {
    FAULTY_ZEROS, /* empty frames, which are nothing */
    FAULTY_DELAY, /* all bytes come late, by no more than a busy host may cause */
    FAULTY_HARMLESS,
    /* One frame, and what comes after it. */
    FAULTY_DROP = FAULTY_HARMLESS,
    FAULTY_REPEAT,
    FAULTY_FLIP, /* bits */
    FAULTY_SWAP, /* with the next frame */
    FAULTY_TRUNCATE,
    FAULTY_GARBAGE,
    FAULTY_STALL, /* for good */
    FAULTY_CUT,
    FAULTY_RESET, /* of the probe */
    /* All frames have good checksums and the numbers that come next: damage that these did not show. */
    FAULTY_HELLO,  /* of another run */
    FAULTY_VANISH, /* a frame of edges is not there */
    FAULTY_ALTER,  /* an edge is not as it was */
    /* A command. */
    FAULTY_COMMAND_DROP,
    FAULTY_COMMAND_FLIP,
    FAULTY_COMMAND_REPEAT,
    FAULTY_KINDS,
};

struct faulty_fault {
    enum faulty_kind kind;
    /* Number of the frame or command, from 0. VANISH and ALTER wait for edges, HELLO for the probe's own. */
    unsigned at;
};

enum { FAULTY_FAULTS_MAX = 3 };

struct faulty_schedule {
    uint64_t seed; /* of everything that the kinds leave open */
    size_t fault_count;
    struct faulty_fault faults[FAULTY_FAULTS_MAX];
};

const char *faulty_name(enum faulty_kind kind);

struct faulty_link;

/* NULL never: a test without memory ends. `schedule` is copied. Free with faulty_link_free. */
struct faulty_link *faulty_link_new(const struct faulty_schedule *schedule);
void faulty_link_free(struct faulty_link *link);

/* The host's end. Its `close` frees nothing. */
struct p2p_byte_stream faulty_link_stream(struct faulty_link *link);

/* The probe's end. Time passes by these calls. */
void faulty_link_put(struct faulty_link *link, const uint8_t *bytes, size_t count, uint64_t now_ns);
size_t faulty_link_commands(struct faulty_link *link, uint8_t *bytes, size_t capacity);
/* True when it is time for the probe to be reset, once each. */
bool faulty_link_resets(struct faulty_link *link);

/* Frames that the probe has sent. */
unsigned faulty_link_frames(const struct faulty_link *link);
/* A fault of the schedule came to pass. */
bool faulty_link_acted(const struct faulty_link *link, size_t fault);
/* From the first HELLO that the host was given on, it was given what one run of the firmware sent, frame by frame. */
bool faulty_link_intact(const struct faulty_link *link);
/* The host met the end of the stream. */
bool faulty_link_was_cut(const struct faulty_link *link);

#endif
