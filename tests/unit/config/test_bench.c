/* SPDX-License-Identifier: MIT */
#include "allocations.h"
#include "config/bench.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GICV2 P2P_SOURCE_DIR "/fixtures/benches/virtual-gicv2.bench.json"
#define GICV3 P2P_SOURCE_DIR "/fixtures/benches/virtual-gicv3.bench.json"
#define GOOD  P2P_SOURCE_DIR "/tests/unit/config/good/bench/"

static void *load(const char *path, struct p2p_error *error)
{
    return p2p_bench_load(path, error);
}

static void release(void *loaded)
{
    p2p_bench_free(loaded);
}

static const struct corpus_loader LOADER = {"bench", load, release};

static struct p2p_bench *load_good(const char *path)
{
    struct p2p_error error = {0};
    struct p2p_bench *bench = p2p_bench_load(path, &error);

    assert_string_equal(error.message, "");
    assert_non_null(bench);
    assert_string_equal(bench->path, path);
    assert_int_equal(bench->board.kind, P2P_BOARD_QEMU_VIRT);
    assert_int_equal(bench->probe, P2P_PROBE_IDEAL);
    return bench;
}

static void assert_virtual(const struct p2p_bench *bench, const char *name, uint32_t gic)
{
    assert_string_equal(bench->name, name);
    assert_int_equal(bench->board.gic, gic);
    assert_string_equal(bench->board.wires, P2P_SOURCE_DIR "/build/fixtures/virtual-board/wires.so");
    assert_string_equal(bench->stub, P2P_SOURCE_DIR "/build/guest-stub/stub.bin");
    assert_int_equal(bench->pins.stimulus, 0);
    assert_int_equal(bench->pins.answer, 1);
    assert_int_equal(bench->pins.query, 2);
}

static void assert_defaults(const struct p2p_bench *bench)
{
    assert_string_equal(bench->board.qemu, "qemu-system-aarch64");
    assert_int_equal(bench->board.play, P2P_PLAY_SCHEDULE);
    assert_int_equal(bench->board.memory_mib, 1024);
    assert_int_equal(bench->timeouts.boot_s, 60);
    assert_int_equal(bench->timeouts.stall_s, 20);
}

static void shipped_benches_differ_in_the_gic(void **state)
{
    struct p2p_bench *gicv2 = load_good(GICV2);
    struct p2p_bench *gicv3 = load_good(GICV3);

    (void)state;
    assert_virtual(gicv2, "virtual-gicv2", 2);
    assert_defaults(gicv2);
    assert_virtual(gicv3, "virtual-gicv3", 3);
    assert_defaults(gicv3);
    p2p_bench_free(gicv2);
    p2p_bench_free(gicv3);
}

static void left_out_keys_have_their_defaults(void **state)
{
    struct p2p_bench *bench = load_good(GOOD "minimal.json");

    (void)state;
    assert_defaults(bench);
    assert_string_equal(bench->stub, P2P_SOURCE_DIR "/tests/unit/config/good/stub.bin");
    assert_int_equal(bench->pins.stimulus, 7);
    assert_int_equal(bench->pins.answer, 0);
    assert_int_equal(bench->pins.query, 4);
    p2p_bench_free(bench);
}

static void every_key_is_read(void **state)
{
    struct p2p_bench *bench = load_good(GOOD "smallest.json");

    (void)state;
    assert_string_equal(bench->name, "s");
    assert_string_equal(bench->board.qemu, "q");
    assert_int_equal(bench->board.memory_mib, 512);
    assert_string_equal(bench->board.wires, "/w");
    assert_string_equal(bench->stub, "/s");
    assert_int_equal(bench->timeouts.boot_s, 1);
    assert_int_equal(bench->timeouts.stall_s, 1);
    p2p_bench_free(bench);
}

static void a_program_with_a_slash_is_a_path(void **state)
{
    struct p2p_bench *bench = load_good(GOOD "largest.json");

    (void)state;
    assert_string_equal(bench->board.qemu, P2P_SOURCE_DIR "/tests/unit/config/good/qemu/build/qemu-system-aarch64");
    assert_int_equal(bench->timeouts.boot_s, 3600);
    assert_int_equal(bench->board.play, P2P_PLAY_LOCKSTEP);
    p2p_bench_free(bench);
}

static void good_files_load(void **state)
{
    (void)state;
    assert_true(corpus_check_good(&LOADER) >= 3);
}

static void bad_files_are_refused_in_the_expected_words(void **state)
{
    (void)state;
    assert_true(corpus_check_bad(&LOADER) >= 50);
}

static void every_truncation_is_refused_with_its_place(void **state)
{
    (void)state;
    corpus_check_truncated(&LOADER, GOOD "largest.json");
}

static void every_failed_allocation_is_told(void **state)
{
    size_t count = 0;
    bool failed = true;

    (void)state;
    while (failed) {
        struct p2p_error error = {0};
        struct p2p_bench *bench;

        allocations_fail_after(count++);
        bench = p2p_bench_load(GOOD "largest.json", &error);
        failed = allocations_failed();
        assert_int_equal(bench == NULL, failed);
        assert_int_equal(error.code, failed ? P2P_E_HOST : P2P_OK);
        p2p_bench_free(bench);
    }
    assert_true(count > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_benches_differ_in_the_gic),
        cmocka_unit_test(left_out_keys_have_their_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(a_program_with_a_slash_is_a_path),
        cmocka_unit_test(good_files_load),
        cmocka_unit_test(bad_files_are_refused_in_the_expected_words),
        cmocka_unit_test(every_truncation_is_refused_with_its_place),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
