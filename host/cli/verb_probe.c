/* SPDX-License-Identifier: MIT */
#include "cli/verb_probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { FAILED_BITS = 32, NAME_BYTES = 24 };

enum p2p_code p2p_probe_verb_prepare(struct p2p_probe_verb *verb, const struct p2p_options *options,
                                     struct p2p_error *error)
{
    *verb = (struct p2p_probe_verb){.options = options, .stop_fd = -1};
    verb->bench = p2p_bench_load(options->argument, error);
    if (verb->bench == NULL || p2p_probe_stand_check(verb->bench, error) != P2P_OK) {
        return p2p_failure(error);
    }
    if (p2p_bench_lock_take(&verb->lock, verb->bench, P2P_LOCK_PROBE, "probe", 0, options->verbose, error) != P2P_OK) {
        return p2p_failure(error);
    }
    verb->stop_fd = p2p_open_stop_fd(error);
    return verb->stop_fd >= 0 ? P2P_OK : p2p_failure(error);
}

void p2p_probe_verb_discard(struct p2p_probe_verb *verb)
{
    p2p_bench_lock_release(&verb->lock);
    p2p_bench_free(verb->bench);
    if (verb->stop_fd >= 0) {
        close(verb->stop_fd);
    }
}

struct p2p_probe_stand *p2p_probe_verb_open(const struct p2p_probe_verb *verb, struct p2p_error *error)
{
    const struct p2p_probe_stand_setup setup = {.bench = verb->bench, .stop_fd = verb->stop_fd, .seed = P2P_PROBE_SEED};

    return p2p_probe_stand_open(&setup, error);
}

bool p2p_print_answer(json_t *answer)
{
    if (answer == NULL) {
        fprintf(stderr, "pin2pin: no JSON of this: a name is not UTF-8, or no memory\n");
        return false;
    }
    json_dumpf(answer, stdout, 0); /* a failure to write is told by p2p_finish_output */
    putchar('\n');
    json_decref(answer);
    return true;
}

/* What a bit of SELF_TEST's answer says has failed. */
static void name_failure(unsigned bit, char name[NAME_BYTES])
{
    static const char *const names[] = {"counters' clock", "DMA", "memory"};

    if (bit < sizeof names / sizeof names[0]) {
        snprintf(name, NAME_BYTES, "%s", names[bit]);
    } else {
        snprintf(name, NAME_BYTES, "bit %u", bit);
    }
}

static bool print_selftest_json(uint32_t failed)
{
    json_t *names = json_array();

    for (unsigned bit = 0; bit < FAILED_BITS; bit++) {
        if ((failed >> bit & 1) != 0) {
            char name[NAME_BYTES];

            name_failure(bit, name);
            json_array_append_new(names, json_string(name));
        }
    }
    return p2p_print_answer(json_pack("{sb so}", "passed", failed == 0, "failed", names));
}

static void print_selftest(uint32_t failed)
{
    printf("self-test: %s", failed == 0 ? "passed: counters' clock, DMA, memory" : "FAILED:");
    for (unsigned bit = 0, count = 0; bit < FAILED_BITS; bit++) {
        if ((failed >> bit & 1) != 0) {
            char name[NAME_BYTES];

            name_failure(bit, name);
            printf("%s %s", count++ > 0 ? "," : "", name);
        }
    }
    putchar('\n');
}

static enum p2p_code ask_selftest(const struct p2p_probe_verb *verb, uint32_t *failed, struct p2p_error *error)
{
    struct p2p_probe_stand *stand = p2p_probe_verb_open(verb, error);
    enum p2p_code code = stand != NULL ? p2p_probe_stand_command(stand, PROBE_SELF_TEST, error) : p2p_failure(error);

    if (code == P2P_OK) {
        const struct probe_ack *ack = p2p_probe_link_ack(p2p_probe_stand_link(stand));

        *failed = ack->value;
        if (ack->status != PROBE_DONE) {
            code = p2p_error_set(error, P2P_E_BENCH, "the probe refused its self-test with status %u", ack->status);
        }
    }
    p2p_probe_stand_close(stand);
    return code;
}

int p2p_verb_probe_selftest(const struct p2p_options *options)
{
    struct p2p_probe_verb verb;
    struct p2p_error error = {0};
    uint32_t failed = 0;
    enum p2p_code code = p2p_probe_verb_prepare(&verb, options, &error);
    int exit_code;

    if (code == P2P_OK) {
        code = ask_selftest(&verb, &failed, &error);
    }
    p2p_probe_verb_discard(&verb);
    if (code != P2P_OK) {
        return p2p_complain(&error, options);
    }
    exit_code = failed == 0 ? P2P_EXIT_PASS : P2P_EXIT_BENCH_FAULT;
    if (!options->json) {
        print_selftest(failed);
    } else if (!print_selftest_json(failed)) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    return p2p_finish_output(exit_code);
}
