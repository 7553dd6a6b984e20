/* SPDX-License-Identifier: MIT */
#include "ports/gpiod_stimulus.h"

#include <inttypes.h>
#include <stdlib.h>

#define LATE_NS_MAX UINT64_C(1000000000)

enum { LINES = P2P_LINE_QUERY + 1 };

/* What was done on one line. */
struct history {
    uint64_t asked_ns, driven_ns; /* of its last edge */
    uint64_t risen_ns;            /* the last time that it was driven high */
    uint64_t width_ns;            /* of its last pulse, as asked for */
    uint8_t level_to_come;        /* after all that waits */
};

struct p2p_gpiod_stimulus {
    struct p2p_gpiod_stimulus_setup setup;
    struct p2p_gpiod_line *lines[LINES];
    struct history histories[LINES];
    struct p2p_drive waiting[P2P_GPIOD_DRIVES_MAX]; /* a ring */
    size_t first, count;
    uint64_t last_asked_ns;
    struct p2p_achieved achieved;
    double late_sum_ns;
};

/* ---- Taking over ---- */

static enum p2p_code check_drive(const struct p2p_gpiod_stimulus *stimulus, const struct p2p_drive *drive,
                                 struct p2p_error *error)
{
    if (stimulus->count == P2P_GPIOD_DRIVES_MAX) {
        return p2p_error_set(error, P2P_E_BENCH, "the stimulus: %d edges wait already: this computer is too slow",
                             P2P_GPIOD_DRIVES_MAX);
    }
    if (drive->at_ns <= stimulus->last_asked_ns) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "the stimulus: an edge at %" PRIu64 " ns is asked for after one at %" PRIu64 " ns",
                             drive->at_ns, stimulus->last_asked_ns);
    }
    if (drive->level == stimulus->histories[drive->line].level_to_come) {
        return p2p_error_set(error, P2P_E_BENCH, "the stimulus: at %" PRIu64 " ns its line is %s already", drive->at_ns,
                             drive->level == 1 ? "high" : "low");
    }
    return P2P_OK;
}

static enum p2p_code play(void *self, const struct p2p_drive *edges, size_t count, struct p2p_error *error)
{
    struct p2p_gpiod_stimulus *stimulus = self;

    for (size_t i = 0; i < count; i++) {
        enum p2p_code code = check_drive(stimulus, &edges[i], error);

        if (code != P2P_OK) {
            return code;
        }
        stimulus->waiting[(stimulus->first + stimulus->count++) % P2P_GPIOD_DRIVES_MAX] = edges[i];
        stimulus->last_asked_ns = edges[i].at_ns;
        stimulus->histories[edges[i].line].level_to_come = edges[i].level;
    }
    return P2P_OK;
}

/* ---- Driving ---- */

uint64_t p2p_gpiod_stimulus_asked_ns(const struct p2p_gpiod_stimulus *stimulus)
{
    return stimulus->count > 0 ? stimulus->waiting[stimulus->first].at_ns : UINT64_MAX;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t p2p_gpiod_stimulus_due_ns(const struct p2p_gpiod_stimulus *stimulus)
{
    const struct p2p_drive *drive = &stimulus->waiting[stimulus->first];
    const struct history *before = &stimulus->histories[drive->line];
    uint64_t due_ns = drive->at_ns, distance_ns = drive->at_ns - before->asked_ns;

    if (stimulus->count == 0) {
        return UINT64_MAX;
    }
    if (drive->level == 1 && before->risen_ns != 0) {
        due_ns = most(due_ns, before->risen_ns + stimulus->setup.apart_ns);
        distance_ns = distance_ns < before->width_ns ? distance_ns : before->width_ns;
    }
    return before->risen_ns != 0 ? most(due_ns, before->driven_ns + distance_ns) : due_ns;
}

static void account(struct p2p_gpiod_stimulus *stimulus, const struct p2p_drive *drive, uint64_t late_ns)
{
    struct p2p_achieved *achieved = &stimulus->achieved;

    if (drive->line == P2P_LINE_STIMULUS && drive->level == 1) {
        achieved->stimuli++;
        achieved->late += late_ns > stimulus->setup.late_ns;
        achieved->max_late_ns = most(late_ns, achieved->max_late_ns);
        stimulus->late_sum_ns += (double)late_ns;
    }
}

enum p2p_code p2p_gpiod_stimulus_drive(struct p2p_gpiod_stimulus *stimulus, struct p2p_error *error)
{
    const struct p2p_drive drive = stimulus->waiting[stimulus->first];
    struct history *history = &stimulus->histories[drive.line];
    enum p2p_code code = p2p_gpiod_line_set(stimulus->lines[drive.line], drive.level == 1, error);
    uint64_t now_ns = stimulus->setup.now_ns(stimulus->setup.clock);
    uint64_t late_ns = now_ns > drive.at_ns ? now_ns - drive.at_ns : 0;

    if (code != P2P_OK) {
        return code;
    }
    stimulus->first = (stimulus->first + 1) % P2P_GPIOD_DRIVES_MAX;
    stimulus->count--;
    if (drive.level == 1) {
        history->risen_ns = now_ns;
    } else {
        history->width_ns = drive.at_ns - history->asked_ns;
    }
    history->asked_ns = drive.at_ns;
    history->driven_ns = now_ns;
    account(stimulus, &drive, late_ns);
    if (late_ns > LATE_NS_MAX) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "the stimulus: an edge came %" PRIu64
                             " ms late: this computer stood still, is too slow for "
                             "the plan's period_ns, or deadline_ns leaves it no room to catch up",
                             late_ns / 1000000);
    }
    return P2P_OK;
}

struct p2p_achieved p2p_gpiod_stimulus_achieved(const struct p2p_gpiod_stimulus *stimulus)
{
    struct p2p_achieved achieved = stimulus->achieved;

    if (achieved.stimuli > 0) {
        achieved.mean_late_ns = stimulus->late_sum_ns / (double)achieved.stimuli;
    }
    return achieved;
}

/* ---- From boot to boot ---- */

/* `error` keeps the first failure; all lines are driven even so. */
static void silence(struct p2p_gpiod_stimulus *stimulus, struct p2p_error *error)
{
    stimulus->first = 0;
    stimulus->count = 0;
    stimulus->last_asked_ns = 0;
    for (size_t i = 0; i < LINES; i++) {
        stimulus->histories[i] = (struct history){0};
        p2p_gpiod_line_set(stimulus->lines[i], false, error);
    }
}

enum p2p_code p2p_gpiod_stimulus_restart(struct p2p_gpiod_stimulus *stimulus, struct p2p_error *error)
{
    struct p2p_error failure = {0};

    stimulus->achieved = (struct p2p_achieved){0};
    stimulus->late_sum_ns = 0;
    silence(stimulus, &failure);
    for (size_t i = 0; i < LINES && failure.code == P2P_OK; i++) {
        p2p_gpiod_line_check(stimulus->lines[i], false, &failure);
    }
    return failure.code == P2P_OK ? P2P_OK : p2p_error_set(error, failure.code, "the stimulus: %s", failure.message);
}

void p2p_gpiod_stimulus_stop(struct p2p_gpiod_stimulus *stimulus)
{
    struct p2p_error ignored = {0}; /* a line that fails here fails at the next restart */

    silence(stimulus, &ignored);
}

struct p2p_gpiod_stimulus *p2p_gpiod_stimulus_open(const struct p2p_gpiod_stimulus_setup *setup,
                                                   struct p2p_error *error)
{
    struct p2p_gpiod_stimulus *stimulus = calloc(1, sizeof *stimulus);

    if (stimulus == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", setup->stimulus.place);
        return NULL;
    }
    stimulus->setup = *setup;
    stimulus->lines[P2P_LINE_STIMULUS] = p2p_gpiod_line_open(&setup->stimulus, error);
    if (stimulus->lines[P2P_LINE_STIMULUS] != NULL) {
        stimulus->lines[P2P_LINE_QUERY] = p2p_gpiod_line_open(&setup->query, error);
    }
    if (stimulus->lines[P2P_LINE_QUERY] == NULL) {
        p2p_gpiod_stimulus_close(stimulus);
        stimulus = NULL;
    }
    return stimulus;
}

void p2p_gpiod_stimulus_close(struct p2p_gpiod_stimulus *stimulus)
{
    if (stimulus != NULL) {
        for (size_t i = 0; i < LINES; i++) {
            p2p_gpiod_line_close(stimulus->lines[i]);
        }
        free(stimulus);
    }
}

struct p2p_stimulus p2p_gpiod_stimulus_port(struct p2p_gpiod_stimulus *stimulus)
{
    return (struct p2p_stimulus){.self = stimulus, .play = play};
}
