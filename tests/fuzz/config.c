/* SPDX-License-Identifier: MIT */
/*
 * Plan and bench files with a piece replaced: each must load, or be refused as the user's mistake with a
 * message. Input: u16 offset of the piece (little-endian), u8 its length (255: all the rest), then the bytes
 * in its place.
 */
#include "config/bench.h"
#include "config/plan.h"
#include "util/file.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EDIT_BYTES = 3, ALL_THE_REST = 255, PATH_BYTES = 32 };

static const char PLAN[] =
    "{\"schema\": \"pin2pin.plan\", \"version\": 1, \"name\": \"fuzz\", \"bench\": \"b\", \"samples\": 9,"
    "\"stimulus\": {\"period_ns\": 90, \"jitter_ns\": 10, \"width_ns\": 20, \"deadline_ns\": 30},"
    "\"limits\": {\"avg_ns\": 9, \"min_samples\": 4}, \"configurations\": [{\"name\": \"a\"}, {\"name\": "
    "\"b\","
    "\"xen\": {\"image\": \"../x\", \"version\": \"4.17\", \"vwfi\": \"trap\", \"command_line\": \"a=b "
    "c\"}}]}";

static const char BENCH[] =
    "{\"schema\": \"pin2pin.bench\", \"version\": 1, \"name\": \"fuzz\", \"board\": {\"kind\": \"qemu-virt\","
    "\"gic\": 2, \"qemu\": \"../q\", \"wires\": \"w\"}, \"stub\": \"s\", \"pins\": {\"stimulus\": 0,"
    "\"answer\": 1, \"query\": 2}, \"probe\": {\"kind\": \"ideal\"}, \"timeouts\": {\"boot_s\": 9}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The edited text as an open file in memory. */
static int edited(const char *text, const uint8_t *data, size_t size)
{
    struct p2p_error error = {0};
    size_t length = strlen(text);
    size_t offset = ((size_t)data[0] | (size_t)data[1] << 8) % (length + 1);
    size_t removed = data[2] == ALL_THE_REST || data[2] > length - offset ? length - offset : data[2];
    size_t inserted = size - EDIT_BYTES;
    char *result = malloc(length + size);
    int fd;

    if (result == NULL) {
        abort();
    }
    memcpy(result, text, offset);
    memcpy(result + offset, data + EDIT_BYTES, inserted);
    memcpy(result + offset + inserted, text + offset + removed, length - offset - removed);
    fd = p2p_memory_file("fuzz", result, length - removed + inserted, &error);
    free(result);
    if (fd < 0) {
        abort();
    }
    return fd;
}

static void check(const void *loaded, const struct p2p_error *error)
{
    enum p2p_code expected = loaded == NULL ? P2P_E_INPUT : P2P_OK;

    if (error->code != expected || (loaded == NULL) != (error->message[0] != '\0')) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct p2p_error plan_error = {0};
    struct p2p_error bench_error = {0};
    struct p2p_plan *plan;
    struct p2p_bench *bench;
    char path[PATH_BYTES];
    int fd;

    if (size < EDIT_BYTES) {
        return 0;
    }
    fd = edited(PLAN, data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    plan = p2p_plan_load(path, &plan_error);
    check(plan, &plan_error);
    p2p_plan_free(plan);
    close(fd);

    fd = edited(BENCH, data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bench = p2p_bench_load(path, &bench_error);
    check(bench, &bench_error);
    p2p_bench_free(bench);
    close(fd);
    return 0;
}
