/* SPDX-License-Identifier: MIT */
#include "reports/capture_format.h"
#include "reports/capture_time.h"

#include <inttypes.h>

static void begin(struct p2p_capture_report *report, const char *probe)
{
    char tick[P2P_TIME_TEXT_BYTES];

    p2p_format_ns(1, report->tick_hz, tick);
    fprintf(report->out, "%s; one tick is %s ns; time counts from the capture's start\n\n", probe, tick);
    fprintf(report->out, "%20s  %16s  %-8s  %5s  %s\n", "time_ns", "delta_ns", "channel", "level", "flags");
}

static void edge(struct p2p_capture_report *report, const struct p2p_edge *edge)
{
    const char *flags = p2p_edge_flags_text(edge->flags);
    char time[P2P_TIME_TEXT_BYTES], delta[P2P_TIME_TEXT_BYTES] = "-";

    p2p_format_ns(edge->ticks - report->origin_ticks, report->tick_hz, time);
    if (report->any) {
        p2p_format_ns(edge->ticks - report->last_ticks, report->tick_hz, delta);
    }
    fprintf(report->out, "%20s  %16s  %-8s  %5u%s%s\n", time, delta, p2p_channel_name(edge->channel), edge->level,
            flags[0] != '\0' ? "  " : "", flags);
}

static void end(struct p2p_capture_report *report, const char *fault)
{
    if (fault != NULL) {
        fprintf(report->out, "\nINCOMPLETE: %s\n", fault);
    }
}

const struct p2p_capture_ops p2p_capture_text = {begin, edge, end};
