/* SPDX-License-Identifier: MIT */
#include "reports/capture_format.h"
#include "reports/capture_time.h"

#include <inttypes.h>

static void begin(struct p2p_capture_report *report, const char *probe)
{
    (void)probe;
    fprintf(report->out, "ticks,time_ns,channel,level,flags\n");
}

static void edge(struct p2p_capture_report *report, const struct p2p_edge *edge)
{
    char time[P2P_TIME_TEXT_BYTES];

    p2p_format_ns(edge->ticks - report->origin_ticks, report->tick_hz, time);
    fprintf(report->out, "%" PRIu64 ",%s,%s,%u,%s\n", edge->ticks, time, p2p_channel_name(edge->channel), edge->level,
            p2p_edge_flags_text(edge->flags));
}

/* A row without an edge: no program takes half a capture for a whole one without having been told. */
static void end(struct p2p_capture_report *report, const char *fault)
{
    if (fault != NULL) {
        fprintf(report->out, ",,,,INCOMPLETE\n");
    }
}

const struct p2p_capture_ops p2p_capture_csv = {begin, edge, end};
