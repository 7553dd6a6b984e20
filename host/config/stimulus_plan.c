/* SPDX-License-Identifier: MIT */
#include "config/stimulus_plan.h"

#include <inttypes.h>

#define TIME_NS_MAX UINT64_C(4000000000)

const struct p2p_json_range P2P_TIME_NS = {1, TIME_NS_MAX};

static const struct p2p_json_range JITTER_NS = {0, TIME_NS_MAX};
static const struct p2p_json_range BURST_COUNT = {2, 1000000};

static const struct p2p_json_key STIMULUS_KEYS[] = {
    {"kind", "the law that the stimuli follow"},
    {"period_ns", "mean time from one stimulus, or burst, to the next"},
    {"jitter_ns", "longest random delay of a stimulus, or burst"},
    {"width_ns", "how long the line stays high"},
    {"deadline_ns", "longest latency that counts as an answer"},
    {"gap_ns", "least time from one stimulus to the next"},
    {"burst_count", "stimuli in a burst"},
    {"burst_spacing_ns", "time from one stimulus of a burst to the next"},
    {NULL, NULL},
};

#define OF(kind) (1U << (kind))

/* Which kinds take which key of the above; the rest is for all. */
static const struct {
    const char *key;
    unsigned kinds;
} STIMULUS_KEYS_OF[] = {
    {"jitter_ns", OF(P2P_STIMULUS_PERIODIC) | OF(P2P_STIMULUS_BURST)},
    {"gap_ns", OF(P2P_STIMULUS_POISSON)},
    {"burst_count", OF(P2P_STIMULUS_BURST)},
    {"burst_spacing_ns", OF(P2P_STIMULUS_BURST)},
};

static const char *const STIMULUS_KINDS[] = {
    [P2P_STIMULUS_PERIODIC] = "periodic",
    [P2P_STIMULUS_POISSON] = "poisson",
    [P2P_STIMULUS_BURST] = "burst",
    NULL,
};

const char *p2p_stimulus_kind_name(enum p2p_stimulus_kind kind)
{
    return STIMULUS_KINDS[kind];
}

/* `what` is the time from one stimulus to the next at the least. */
static void check_deadline(const struct p2p_json_object *object, const struct p2p_stimulus_plan *stimulus,
                           const char *what, uint64_t apart_ns)
{
    if (stimulus->deadline_ns > apart_ns) {
        p2p_json_refuse(object, "deadline_ns",
                        "%" PRIu64 " is above %s (%" PRIu64 "): the next stimulus could come before it",
                        stimulus->deadline_ns, what, apart_ns);
    }
}

static void check_periodic(const struct p2p_json_object *object, const struct p2p_stimulus_plan *stimulus)
{
    if (stimulus->jitter_ns >= stimulus->period_ns - stimulus->width_ns) {
        p2p_json_refuse(object, "jitter_ns",
                        "%" PRIu64 " is not below period_ns - width_ns (%" PRIu64 "): stimuli would overlap",
                        stimulus->jitter_ns, stimulus->period_ns - stimulus->width_ns);
        return;
    }
    check_deadline(object, stimulus, "period_ns - jitter_ns", stimulus->period_ns - stimulus->jitter_ns);
}

static void read_poisson(const struct p2p_json_object *object, struct p2p_stimulus_plan *stimulus)
{
    stimulus->gap_ns = p2p_json_integer(object, "gap_ns", P2P_TIME_NS);
    if (stimulus->gap_ns <= stimulus->width_ns) {
        p2p_json_refuse(object, "gap_ns", "%" PRIu64 " is not above width_ns (%" PRIu64 "): stimuli would overlap",
                        stimulus->gap_ns, stimulus->width_ns);
    }
    if (stimulus->gap_ns >= stimulus->period_ns) {
        p2p_json_refuse(object, "gap_ns",
                        "%" PRIu64 " is not below period_ns (%" PRIu64 "), the mean: nothing is random",
                        stimulus->gap_ns, stimulus->period_ns);
    }
    check_deadline(object, stimulus, "gap_ns", stimulus->gap_ns);
}

static void read_burst(const struct p2p_json_object *object, struct p2p_stimulus_plan *stimulus)
{
    uint64_t length_ns; /* from a burst's first rise to its last fall */

    stimulus->burst_count = (uint32_t)p2p_json_integer(object, "burst_count", BURST_COUNT);
    stimulus->burst_spacing_ns = p2p_json_integer(object, "burst_spacing_ns", P2P_TIME_NS);
    if (stimulus->burst_spacing_ns <= stimulus->width_ns) {
        p2p_json_refuse(object, "burst_spacing_ns",
                        "%" PRIu64 " is not above width_ns (%" PRIu64 "): stimuli would overlap",
                        stimulus->burst_spacing_ns, stimulus->width_ns);
        return;
    }
    check_deadline(object, stimulus, "burst_spacing_ns", stimulus->burst_spacing_ns);
    length_ns = (stimulus->burst_count - UINT64_C(1)) * stimulus->burst_spacing_ns + stimulus->width_ns;
    if (length_ns >= stimulus->period_ns) {
        p2p_json_refuse(object, "burst_count",
                        "a burst of %" PRIu32 " takes %" PRIu64 " ns, not below period_ns (%" PRIu64
                        "): make the period longer",
                        stimulus->burst_count, length_ns, stimulus->period_ns);
        return;
    }
    if (stimulus->jitter_ns >= stimulus->period_ns - length_ns) {
        p2p_json_refuse(object, "jitter_ns",
                        "%" PRIu64 " is not below what a burst leaves of period_ns (%" PRIu64 "): bursts would overlap",
                        stimulus->jitter_ns, stimulus->period_ns - length_ns);
        return;
    }
    check_deadline(object, stimulus, "the least time between two bursts",
                   stimulus->period_ns - stimulus->jitter_ns - length_ns + stimulus->width_ns);
}

void p2p_stimulus_plan_read(const struct p2p_json_object *root, struct p2p_stimulus_plan *stimulus)
{
    struct p2p_json_object object = p2p_json_child(root, "stimulus", STIMULUS_KEYS);

    stimulus->kind = (enum p2p_stimulus_kind)p2p_json_choice_or(&object, "kind", STIMULUS_KINDS, P2P_STIMULUS_PERIODIC);
    for (size_t i = 0; i < sizeof STIMULUS_KEYS_OF / sizeof STIMULUS_KEYS_OF[0]; i++) {
        if ((STIMULUS_KEYS_OF[i].kinds & OF(stimulus->kind)) == 0 && p2p_json_has(&object, STIMULUS_KEYS_OF[i].key)) {
            p2p_json_refuse(&object, STIMULUS_KEYS_OF[i].key, "a stimulus of kind \"%s\" has no use for it",
                            p2p_stimulus_kind_name(stimulus->kind));
        }
    }
    stimulus->period_ns = p2p_json_integer(&object, "period_ns", P2P_TIME_NS);
    stimulus->jitter_ns = p2p_json_integer_or(&object, "jitter_ns", JITTER_NS, 0);
    stimulus->width_ns = p2p_json_integer(&object, "width_ns", P2P_TIME_NS);
    stimulus->deadline_ns = p2p_json_integer(&object, "deadline_ns", P2P_TIME_NS);
    if (stimulus->width_ns >= stimulus->period_ns) {
        p2p_json_refuse(&object, "width_ns", "%" PRIu64 " is not below period_ns (%" PRIu64 "): make the period longer",
                        stimulus->width_ns, stimulus->period_ns);
        return;
    }
    switch (stimulus->kind) {
    case P2P_STIMULUS_PERIODIC:
        check_periodic(&object, stimulus);
        break;
    case P2P_STIMULUS_POISSON:
        read_poisson(&object, stimulus);
        break;
    case P2P_STIMULUS_BURST:
        read_burst(&object, stimulus);
        break;
    }
}
