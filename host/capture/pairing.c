/* SPDX-License-Identifier: MIT */
#include "capture/pairing.h"

#include <stdlib.h>

enum { LINE_COUNT = 2, LEVEL_UNKNOWN = 2 };

struct p2p_pairing {
    struct p2p_account account;
    uint64_t deadline_ticks;
    p2p_sample_fn *on_sample;
    void *user;
    struct p2p_edge stimulus;  /* the latest one */
    uint64_t last_ticks;       /* of the edge before, on either line */
    uint8_t level[LINE_COUNT]; /* after the line's last edge; kept outside the marks too */
    bool armed;
    bool open; /* the latest stimulus still waits for its answer */
};

struct p2p_pairing *p2p_pairing_new(uint64_t deadline_ticks, p2p_sample_fn *on_sample, void *user)
{
    struct p2p_pairing *pairing = calloc(1, sizeof *pairing);

    if (pairing == NULL) {
        return NULL;
    }
    pairing->deadline_ticks = deadline_ticks;
    pairing->on_sample = on_sample;
    pairing->user = user;
    pairing->level[P2P_CHANNEL_STIMULUS] = LEVEL_UNKNOWN;
    pairing->level[P2P_CHANNEL_ANSWER] = LEVEL_UNKNOWN;
    return pairing;
}

void p2p_pairing_free(struct p2p_pairing *pairing)
{
    free(pairing);
}

/* No answer can come any more. */
static void close_stimulus(struct p2p_pairing *pairing)
{
    if (pairing->open) {
        pairing->account.missed++;
    }
    pairing->open = false;
}

static void take_stimulus(struct p2p_pairing *pairing, const struct p2p_edge *edge)
{
    if (edge->level == 0) {
        pairing->account.releases++;
        return;
    }
    close_stimulus(pairing);
    pairing->account.stimuli++;
    pairing->stimulus = *edge;
    pairing->open = true;
}

static void give_sample(struct p2p_pairing *pairing, const struct p2p_edge *answer)
{
    const struct p2p_sample sample = {
        .stimulus = pairing->account.stimuli - 1,
        .latency_ticks = answer->ticks - pairing->stimulus.ticks,
        .flags = pairing->stimulus.flags | answer->flags,
    };

    pairing->account.answered++;
    if ((sample.flags & (P2P_EDGE_GLITCH | P2P_EDGE_CLIPPED)) != 0) {
        pairing->account.clipped++;
    }
    pairing->on_sample(pairing->user, &sample);
}

static void take_answer(struct p2p_pairing *pairing, const struct p2p_edge *edge)
{
    pairing->account.answers++;
    /* In a disordered stream an answer may be stamped before its stimulus: an effect has no later cause. */
    if (!pairing->open || edge->ticks < pairing->stimulus.ticks) {
        pairing->account.spurious++;
        return;
    }
    pairing->open = false;
    if (edge->ticks - pairing->stimulus.ticks > pairing->deadline_ticks) {
        pairing->account.late++;
    } else {
        give_sample(pairing, edge);
    }
}

static void take_edge(struct p2p_pairing *pairing, const struct p2p_edge *edge)
{
    struct p2p_account *account = &pairing->account;

    account->edges++;
    if (edge->channel >= LINE_COUNT) {
        return; /* explained by no rule: the account must not balance */
    }
    if (!pairing->armed) {
        account->outside++;
    } else {
        if (edge->level == pairing->level[edge->channel]) {
            account->lost++;
        }
        if (edge->ticks < pairing->last_ticks) {
            account->disordered++;
        }
        if (edge->channel == P2P_CHANNEL_STIMULUS) {
            take_stimulus(pairing, edge);
        } else {
            take_answer(pairing, edge);
        }
    }
    pairing->level[edge->channel] = edge->level;
    pairing->last_ticks = edge->ticks;
}

void p2p_pairing_feed(struct p2p_pairing *pairing, const struct p2p_edge *edges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (edges[i].channel != P2P_CHANNEL_MARK) {
            take_edge(pairing, &edges[i]);
        } else {
            close_stimulus(pairing);
            pairing->armed = edges[i].flags == P2P_MARK_ARMED;
        }
    }
}

void p2p_pairing_finish(struct p2p_pairing *pairing)
{
    close_stimulus(pairing);
}

const struct p2p_account *p2p_pairing_account(const struct p2p_pairing *pairing)
{
    return &pairing->account;
}

bool p2p_account_balances(const struct p2p_account *account)
{
    return account->stimuli == account->answered + account->missed + account->late &&
           account->answers == account->answered + account->late + account->spurious &&
           account->edges == account->stimuli + account->releases + account->answers + account->outside;
}

void p2p_account_add(struct p2p_account *sum, const struct p2p_account *more)
{
    sum->stimuli += more->stimuli;
    sum->answered += more->answered;
    sum->missed += more->missed;
    sum->late += more->late;
    sum->spurious += more->spurious;
    sum->clipped += more->clipped;
    sum->lost += more->lost;
    sum->releases += more->releases;
    sum->outside += more->outside;
    sum->disordered += more->disordered;
    sum->answers += more->answers;
    sum->edges += more->edges;
}
