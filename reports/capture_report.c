/* SPDX-License-Identifier: MIT */
#include "reports/capture_format.h"

#include <stdlib.h>

static const struct p2p_capture_ops *ops_of(enum p2p_capture_format format)
{
    switch (format) {
    case P2P_CAPTURE_CSV:
        return &p2p_capture_csv;
    case P2P_CAPTURE_VCD:
        return &p2p_capture_vcd;
    case P2P_CAPTURE_TEXT:
        break;
    }
    return &p2p_capture_text;
}

struct p2p_capture_report *p2p_capture_report_new(enum p2p_capture_format format, const struct p2p_capture_head *head,
                                                  FILE *out)
{
    struct p2p_capture_report *report = calloc(1, sizeof *report);

    if (report != NULL) {
        report->ops = ops_of(format);
        report->out = out;
        report->tick_hz = head->tick_hz;
        report->origin_ticks = head->origin_ticks;
        report->last_ticks = head->origin_ticks;
        report->ops->begin(report, head->probe);
    }
    return report;
}

void p2p_capture_report_free(struct p2p_capture_report *report)
{
    free(report);
}

void p2p_capture_report_edge(struct p2p_capture_report *report, const struct p2p_edge *edge)
{
    report->ops->edge(report, edge);
    report->any = true;
    report->last_ticks = edge->ticks;
}

void p2p_capture_report_end(struct p2p_capture_report *report, const char *fault)
{
    report->ops->end(report, fault);
}

const char *p2p_channel_name(enum p2p_channel channel)
{
    return channel == P2P_CHANNEL_STIMULUS ? "stimulus" : "answer";
}

const char *p2p_edge_flags_text(uint8_t flags)
{
    static const char *const texts[] = {
        [0] = "",
        [P2P_EDGE_GLITCH] = "GLITCH",
        [P2P_EDGE_CLIPPED] = "CLIPPED",
        [P2P_EDGE_GLITCH | P2P_EDGE_CLIPPED] = "GLITCH+CLIPPED",
    };

    return texts[flags & (P2P_EDGE_GLITCH | P2P_EDGE_CLIPPED)];
}
