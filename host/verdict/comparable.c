/* SPDX-License-Identifier: MIT */
#include "verdict/comparable.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void p2p_remark(char remarks[P2P_REMARKS_BYTES], const char *format, ...)
{
    const size_t used = strlen(remarks);
    char remark[P2P_REMARKS_BYTES];
    va_list arguments;
    int length;

    va_start(arguments, format);
    vsnprintf(remark, sizeof remark, format, arguments);
    va_end(arguments);
    if (strstr(remarks, remark) != NULL) {
        return;
    }
    length = snprintf(remarks + used, P2P_REMARKS_BYTES - used, "%s%s", used > 0 ? "; " : "", remark);
    if (used + (size_t)length >= P2P_REMARKS_BYTES) {
        memcpy(remarks + P2P_REMARKS_BYTES - sizeof "...", "...", sizeof "...");
    }
}

/* False: they differ, or nobody knows, and the reasons say so. An old file does not say all that is to be compared. */
static bool same(const char *what, const char *a, const char *b, struct p2p_comparability *comparability)
{
    if (a[0] == '\0' || b[0] == '\0') {
        p2p_remark(comparability->reasons,
                   "%s: %s does not say; make its result again from its run folder, by `pin2pin report --format json`",
                   what, a[0] == '\0' ? "A" : "B");
        return false;
    }
    if (strcmp(a, b) != 0) {
        p2p_remark(comparability->reasons, "%s: \"%s\" and \"%s\"", what, a, b);
        return false;
    }
    return true;
}

void p2p_compare_benches(const struct p2p_setup *a, const struct p2p_setup *b, struct p2p_comparability *comparability)
{
    bool same_kind;

    if (a->time_base != b->time_base) {
        p2p_remark(comparability->reasons, "time base: %s and %s", p2p_time_base_name(a->time_base),
                   p2p_time_base_name(b->time_base));
    }
    same("wiring", a->wiring, b->wiring, comparability);
    same_kind = same("probe", a->probe, b->probe, comparability);
    if (same_kind && a->tick_hz != b->tick_hz) {
        p2p_remark(comparability->reasons, "probe's clock: %" PRIu64 " Hz and %" PRIu64 " Hz", a->tick_hz, b->tick_hz);
    }
    if (same_kind && strcmp(a->serial, b->serial) != 0) {
        p2p_remark(comparability->notes, "another probe of the same kind: \"%s\" and \"%s\"", a->serial, b->serial);
    }
}

void p2p_compare_guests(const char *configuration, const struct p2p_setup *a, const struct p2p_setup *b,
                        struct p2p_comparability *comparability)
{
    if (same("guest stub", a->stub, b->stub, comparability) && strcmp(a->stub_path, b->stub_path) != 0) {
        p2p_remark(comparability->notes, "%s: the stub answers after %s and %s instructions", configuration,
                   a->stub_path, b->stub_path);
    }
}
