/* SPDX-License-Identifier: MIT */
/*
 * Any edges in any order: the account balances, every sample is plausible, and the pieces that the stream
 * comes in do not matter. The first byte is the deadline; then three bytes an edge: line, level and flags; a
 * signed step in time; the number of edges to hold back before the next feed.
 */
#include "capture/pairing.h"

#include <stdlib.h>
#include <string.h>

enum { EDGE_BYTES = 3, EDGES_MAX = 1024, START_TICKS = 1 << 20 };

struct seen {
    uint64_t deadline_ticks;
    uint64_t samples;
    uint64_t next_stimulus;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_sample(void *user, const struct p2p_sample *sample)
{
    struct seen *seen = user;

    require(sample->stimulus >= seen->next_stimulus);
    require(sample->latency_ticks <= seen->deadline_ticks);
    seen->next_stimulus = sample->stimulus + 1;
    seen->samples++;
}

static size_t decode(const uint8_t *data, size_t size, struct p2p_edge *edges)
{
    static const uint8_t channels[] = {P2P_CHANNEL_STIMULUS, P2P_CHANNEL_ANSWER, P2P_CHANNEL_ANSWER, P2P_CHANNEL_MARK};
    uint64_t ticks = START_TICKS; /* 1024 steps of -128 stay above 0 */
    size_t count = 0;

    for (; count < EDGES_MAX && (count + 1) * EDGE_BYTES <= size; count++) {
        const uint8_t *bytes = &data[count * EDGE_BYTES];

        ticks += (uint64_t)(int8_t)bytes[1];
        edges[count] = (struct p2p_edge){
            .ticks = ticks,
            .channel = channels[bytes[0] & 3],
            .level = bytes[0] >> 2 & 1,
            .flags = bytes[0] >> 3 & 3,
        };
    }
    return count;
}

/* `pieces` has a byte every EDGE_BYTES bytes; NULL: all in one piece. */
static struct p2p_account pair(uint64_t deadline_ticks, const struct p2p_edge *edges, size_t count,
                               const uint8_t *pieces)
{
    struct seen seen = {.deadline_ticks = deadline_ticks};
    struct p2p_pairing *pairing = p2p_pairing_new(deadline_ticks, check_sample, &seen);
    struct p2p_account account;

    require(pairing != NULL);
    for (size_t i = 0; i < count;) {
        const size_t wanted = pieces != NULL ? 1 + (size_t)pieces[i * EDGE_BYTES] : count;
        const size_t piece = wanted < count - i ? wanted : count - i;

        p2p_pairing_feed(pairing, &edges[i], piece);
        i += piece;
    }
    p2p_pairing_finish(pairing);
    account = *p2p_pairing_account(pairing);
    p2p_pairing_free(pairing);
    require(p2p_account_balances(&account));
    require(account.answered == seen.samples);
    require(account.stimuli >= seen.next_stimulus);
    require(account.clipped <= account.answered);
    return account;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct p2p_edge edges[EDGES_MAX];
    struct p2p_account whole;
    struct p2p_account pieces;
    uint64_t deadline_ticks;
    size_t count;

    if (size < 1 + EDGE_BYTES)
        return 0;
    deadline_ticks = 1 + (uint64_t)data[0];
    count = decode(data + 1, size - 1, edges);
    whole = pair(deadline_ticks, edges, count, NULL);
    pieces = pair(deadline_ticks, edges, count, data + EDGE_BYTES);
    require(memcmp(&whole, &pieces, sizeof whole) == 0);
    return 0;
}
