/* SPDX-License-Identifier: MIT */
/*
 * Any console: the pieces that it comes in do not matter, every text of the log ends, and what runs is either what was
 * asked for or told otherwise. The first byte is the length of the pieces.
 */
#include "session/boot_log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

#define ENDS(text) (memchr(text, '\0', sizeof(text)) != NULL)

static bool same(const struct p2p_boot_log *a, const struct p2p_boot_log *b)
{
    return strcmp(a->xen_version, b->xen_version) == 0 && strcmp(a->xen_debug, b->xen_debug) == 0 &&
           strcmp(a->xen_scheduler, b->xen_scheduler) == 0 && strcmp(a->xen_command_line, b->xen_command_line) == 0 &&
           strcmp(a->ready, b->ready) == 0 && strcmp(a->complaint, b->complaint) == 0 &&
           strcmp(a->last, b->last) == 0 && a->length == b->length && a->counted == b->counted &&
           a->counters.irq == b->counters.irq && a->counters.unexpected_irq == b->counters.unexpected_irq &&
           a->counters.spurious == b->counters.spurious && a->counters.fiq == b->counters.fiq &&
           a->counters.serror == b->counters.serror;
}

static void check_texts(const struct p2p_boot_log *log)
{
    require(ENDS(log->xen_version) && ENDS(log->xen_debug) && ENDS(log->xen_scheduler));
    require(ENDS(log->xen_command_line) && ENDS(log->ready) && ENDS(log->complaint) && ENDS(log->last));
    require(log->length < sizeof log->line);
}

static void check_code(enum p2p_code code, const struct p2p_error *error)
{
    require(code == P2P_OK || code == P2P_E_BENCH);
    require(error->code == code && (error->message[0] == '\0') == (code == P2P_OK));
}

static void check_judgements(const struct p2p_boot_log *log)
{
    char extra[] = "a=b";
    struct p2p_xen xen = {.version = "4.17", .scheduler = "credit2", .extra_command_line = extra};
    const struct p2p_configuration native = {.name = "native"}, on_xen = {.name = "xen", .xen = &xen};
    struct p2p_bench bench = {.pins = {.stimulus = 0, .answer = 1, .query = 2}};
    struct p2p_error errors[3] = {0};

    bench.board.gic = 2;
    check_code(p2p_boot_log_check(log, &native, &bench, &errors[0]), &errors[0]);
    check_code(p2p_boot_log_check(log, &on_xen, &bench, &errors[1]), &errors[1]);
    check_code(p2p_boot_log_check_command_line(log, &xen, &errors[2]), &errors[2]);
    require(errors[0].code != P2P_OK || errors[1].code != P2P_OK); /* never both */
    require(log->ready[0] != '\0' || errors[0].code != P2P_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct p2p_boot_log whole = {0}, pieces = {0};
    size_t piece;

    if (size == 0) {
        return 0;
    }
    piece = 1 + (size_t)*data++;
    size--;
    p2p_boot_log_feed(&whole, (const char *)data, size);
    for (size_t at = 0; at < size; at += piece) {
        p2p_boot_log_feed(&pieces, (const char *)data + at, piece < size - at ? piece : size - at);
    }
    check_texts(&whole);
    check_texts(&pieces);
    require(same(&whole, &pieces));
    check_judgements(&whole);
    return 0;
}
