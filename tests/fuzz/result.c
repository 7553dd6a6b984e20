/* SPDX-License-Identifier: MIT */
/*
 * result.json with a piece replaced: it must be refused as the user's mistake with a message, or load; and then the
 * result that is written of it must load again and be written to the same bytes. Input: u16 offset of the piece
 * (little-endian), u8 its length (255: all the rest), then the bytes in its place.
 */
#include "store/result.h"
#include "util/file.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EDIT_BYTES = 3, ALL_THE_REST = 255, PATH_BYTES = 32 };

static const char RESULT[] =
    "{\"schema\": \"pin2pin.result\", \"version\": 1, \"time_base\": \"hardware\", \"complete\": true, \"verdict\": "
    "\"FAIL\","
    "\"reason\": \"r\", \"plan\": {\"name\": \"p\", \"seed\": 1, \"boots\": 1, \"samples\": 3, \"warmup\": 1, "
    "\"stimulus\":"
    "{\"period_ns\": 100, \"jitter_ns\": 0, \"width_ns\": 10, \"deadline_ns\": 50}}, \"bench\": \"b\", \"probe\": "
    "{\"name\":"
    "\"fake\", \"serial\": \"fa\", \"firmware\": \"f 1\", \"tick_hz\": 1000000000, \"uncertainty_ns\": 0.5,"
    "\"budget\": {\"quantisation_ns\": 0.25, \"skew_ns\": 0, \"trigger_ns\": 1, \"timebase_ppm\": 30,"
    "\"skew_correction_ns\": -2.5}}, \"configurations\": [{\"name\": \"a\", \"verdict\":"
    "\"PASS\", \"reason\": \"\", \"boots\": 1, \"limits\": {\"avg_ns\": null, \"max_ns\": null, \"warm_max_ns\": 9,"
    "\"p99_ns\": null, \"min_samples\": 1}, \"stats\": {\"n\": 3, \"n_warm\": 2, \"avg_ns\": 5.5, \"min_ns\": 5, "
    "\"max_ns\":"
    "7, \"warm_max_ns\": 7, \"p50_ns\": 5, \"p99_ns\": 7, \"p99_9_ns\": 7, \"uncertainty_ns\": 0.5,"
    "\"avg_uncertainty_ns\": 0.5}, \"truth\": {\"n\": 3, \"max_error_ns\": 7.5, \"mean_error_ns\": -2.125,"
    "\"unmatched\": 1}, \"account\":"
    "{\"stimuli\": 3, \"answered\": 3, \"missed\": 0, \"late\": 0, \"spurious\": 0, \"clipped\": 0, \"lost\": 0,"
    "\"releases\": 3, \"outside\": 1, \"disordered\": 0, \"answers\": 3, \"edges\": 10}}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct p2p_result *load(const char *text, size_t size, struct p2p_error *error)
{
    int fd = p2p_memory_file("fuzz", text, size, error);
    struct p2p_result *result;
    char path[PATH_BYTES];

    require(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    result = p2p_result_load(path, error);
    close(fd);
    return result;
}

/* The edited text, of *size bytes. free() it. */
static char *edited(const uint8_t *data, size_t data_size, size_t *size)
{
    size_t length = strlen(RESULT);
    size_t offset = ((size_t)data[0] | (size_t)data[1] << 8) % (length + 1);
    size_t removed = data[2] == ALL_THE_REST || data[2] > length - offset ? length - offset : data[2];
    size_t inserted = data_size - EDIT_BYTES;
    char *text = malloc(length + data_size);

    require(text != NULL);
    memcpy(text, RESULT, offset);
    memcpy(text + offset, data + EDIT_BYTES, inserted);
    memcpy(text + offset + inserted, RESULT + offset + removed, length - offset - removed);
    *size = length - removed + inserted;
    return text;
}

static void check_round_trip(const struct p2p_result *result)
{
    struct p2p_error error = {0};
    char *text = p2p_result_encode(result);
    struct p2p_result *again;
    char *same;

    require(text != NULL);
    again = load(text, strlen(text), &error);
    require(again != NULL);
    same = p2p_result_encode(again);
    require(same != NULL && strcmp(text, same) == 0);
    free(same);
    p2p_result_free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct p2p_error error = {0};
    struct p2p_result *result;
    size_t text_size;
    char *text;

    if (size < EDIT_BYTES) {
        return 0;
    }
    text = edited(data, size, &text_size);
    result = load(text, text_size, &error);
    require(error.code == (result == NULL ? P2P_E_INPUT : P2P_OK));
    require((error.message[0] != '\0') == (result == NULL));
    if (result != NULL) {
        check_round_trip(result);
    }
    p2p_result_free(result);
    free(text);
    return 0;
}
