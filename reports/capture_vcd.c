/* SPDX-License-Identifier: MIT */
/* Value change dump, IEEE 1364-2005 clause 18. */
#include "reports/capture_format.h"
#include "reports/capture_time.h"

#include <inttypes.h>

/* Identifier codes: of each channel's wire, and of its flag's. */
static const char WIRES[] = {'s', 'a'};
static const char DOUBTS[] = {'S', 'A'};

enum { CHANNELS = sizeof WIRES };

static void begin(struct p2p_capture_report *report, const char *probe)
{
    FILE *out = report->out;

    fprintf(out, "$version pin2pin " P2P_VERSION " $end\n");
    fprintf(out, "$comment %s; %" PRIu64 " ticks a second; tick %" PRIu64 " is time 0 $end\n", probe, report->tick_hz,
            report->origin_ticks);
    fprintf(out, "$timescale 1 ps $end\n$scope module probe $end\n");
    for (unsigned i = 0; i < CHANNELS; i++) {
        fprintf(out, "$var wire 1 %c %s $end\n", WIRES[i], p2p_channel_name(i));
        fprintf(out, "$var wire 1 %c %s_flagged $end\n", DOUBTS[i], p2p_channel_name(i));
    }
    /* The probe stamps changes: what a line was before its first one, nobody knows. */
    fprintf(out, "$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n");
    for (unsigned i = 0; i < CHANNELS; i++) {
        fprintf(out, "x%c\n0%c\n", WIRES[i], DOUBTS[i]);
    }
    fprintf(out, "$end\n");
}

static void edge(struct p2p_capture_report *report, const struct p2p_edge *edge)
{
    const unsigned channel = edge->channel == P2P_CHANNEL_STIMULUS ? 0 : 1;
    const bool doubted = edge->flags != 0;

    if (edge->ticks != report->last_ticks) { /* a time stands once */
        char time[P2P_TIME_TEXT_BYTES];

        p2p_format_ps(edge->ticks - report->origin_ticks, report->tick_hz, time);
        fprintf(report->out, "#%s\n", time);
    }
    fprintf(report->out, "%u%c\n", edge->level, WIRES[channel]);
    if (doubted != report->doubted[channel]) {
        fprintf(report->out, "%u%c\n", doubted, DOUBTS[channel]);
        report->doubted[channel] = doubted;
    }
    if (doubted) {
        fprintf(report->out, "$comment %s $end\n", p2p_edge_flags_text(edge->flags));
    }
}

static void end(struct p2p_capture_report *report, const char *fault)
{
    if (fault != NULL) {
        fprintf(report->out, "$comment INCOMPLETE: %s $end\n", fault);
    }
}

const struct p2p_capture_ops p2p_capture_vcd = {begin, edge, end};
