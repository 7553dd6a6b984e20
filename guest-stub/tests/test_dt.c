/* SPDX-License-Identifier: MIT */
#include "core/dt.h"

#include <libfdt.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

enum { TREE_BYTES = 8192 };

/* Trees are written with libfdt's sequential calls; each returns 0 on success. */
#define DO(call) assert_int_equal(call, 0)

static void cells(void *fdt, const char *name, const uint32_t *values, size_t count)
{
    fdt32_t *property;

    DO(fdt_property_placeholder(fdt, name, (int)(count * 4), (void **)&property));
    for (size_t i = 0; i < count; i++)
        property[i] = cpu_to_fdt32(values[i]);
}

static void text(void *fdt, const char *name, const char *value)
{
    DO(fdt_property(fdt, name, value, (int)strlen(value) + 1));
}

#define CELLS(fdt, name, ...)                                                                                          \
    cells(fdt, name, (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void begin(void *fdt, uint32_t address_cells, uint32_t size_cells)
{
    DO(fdt_create(fdt, TREE_BYTES));
    DO(fdt_finish_reservemap(fdt));
    DO(fdt_begin_node(fdt, ""));
    CELLS(fdt, "#address-cells", address_cells);
    CELLS(fdt, "#size-cells", size_cells);
}

static void end(void *fdt)
{
    DO(fdt_end_node(fdt));
    DO(fdt_finish(fdt));
}

static void node(void *fdt, const char *name, const char *compatible, const char *status)
{
    DO(fdt_begin_node(fdt, name));
    if (compatible)
        text(fdt, "compatible", compatible);
    if (status)
        text(fdt, "status", status);
}

static void finds_the_first_enabled(void **state)
{
    _Alignas(8) char fdt[TREE_BYTES];

    (void)state;
    begin(fdt, 1, 1);
    node(fdt, "a", "arm,pl061", "disabled");
    DO(fdt_end_node(fdt));
    node(fdt, "b", "arm,pl061", "okay");
    DO(fdt_end_node(fdt));
    node(fdt, "c", "arm,pl061", NULL);
    DO(fdt_end_node(fdt));
    end(fdt);
    assert_int_equal(dt_find(fdt, "arm,pl061"), fdt_path_offset(fdt, "/b"));
    assert_true(dt_find(fdt, "arm,pl011") < 0);
}

static void stdout_by_path_and_alias(void **state)
{
    static const char *const paths[] = {"/uart@1000", "/uart@1000:115200n8", "serial0", "serial0:115200"};
    _Alignas(8) char fdt[TREE_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        begin(fdt, 1, 1);
        node(fdt, "aliases", NULL, NULL);
        text(fdt, "serial0", "/uart@1000");
        DO(fdt_end_node(fdt));
        node(fdt, "chosen", NULL, NULL);
        text(fdt, "stdout-path", paths[i]);
        DO(fdt_end_node(fdt));
        node(fdt, "uart@1000", "arm,pl011", NULL);
        DO(fdt_end_node(fdt));
        end(fdt);
        assert_int_equal(dt_stdout(fdt), fdt_path_offset(fdt, "/uart@1000"));
    }
}

static void nothing_chosen(void **state)
{
    _Alignas(8) char fdt[TREE_BYTES];

    (void)state;
    begin(fdt, 1, 1);
    end(fdt);
    assert_true(dt_stdout(fdt) < 0);
    assert_string_equal(dt_bootargs(fdt), "");
    assert_string_equal(dt_board(fdt), "unknown");
}

static void bootargs_and_board(void **state)
{
    _Alignas(8) char fdt[TREE_BYTES];

    (void)state;
    begin(fdt, 1, 1);
    DO(fdt_property(fdt, "compatible", "first\0second", sizeof("first\0second")));
    node(fdt, "chosen", NULL, NULL);
    text(fdt, "bootargs", "stimulus=0");
    DO(fdt_end_node(fdt));
    end(fdt);
    assert_true(dt_stdout(fdt) < 0);
    assert_string_equal(dt_bootargs(fdt), "stimulus=0");
    assert_string_equal(dt_board(fdt), "first");
}

static void reg_with_the_parents_cells(void **state)
{
    _Alignas(8) char fdt[TREE_BYTES];
    struct dt_window window;
    int gic;

    (void)state;
    begin(fdt, 2, 1);
    node(fdt, "gic", NULL, NULL);
    CELLS(fdt, "reg", 1, 0x8000000, 0x10000, 0, 0x8010000, 0x2000);
    DO(fdt_end_node(fdt));
    end(fdt);
    gic = fdt_path_offset(fdt, "/gic");
    assert_true(dt_reg(fdt, gic, 0, &window));
    assert_int_equal(window.base, 0x108000000);
    assert_int_equal(window.size, 0x10000);
    assert_true(dt_reg(fdt, gic, 1, &window));
    assert_int_equal(window.base, 0x8010000);
    assert_int_equal(window.size, 0x2000);
    assert_false(dt_reg(fdt, gic, 2, &window));
    assert_false(dt_reg(fdt, 0, 0, &window)); /* no reg at all */
}

/* A bus with 1+1 cells and two ranges, below one with empty ranges, below the root with 2+2. */
static void reg_through_ranges(void **state)
{
    static const struct {
        uint32_t bus;
        uint64_t cpu; /* 0: not translatable */
    } cases[] = {
        {0x1000, 0x200000000}, {0x1fff, 0x200000fff}, {0x8000, 0x90000000}, {0x0fff, 0}, {0x2000, 0}, {0x9000, 0},
    };
    _Alignas(8) char fdt[TREE_BYTES];
    struct dt_window window;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(fdt, 2, 2);
        node(fdt, "outer", NULL, NULL);
        CELLS(fdt, "#address-cells", 2);
        CELLS(fdt, "#size-cells", 2);
        DO(fdt_property(fdt, "ranges", NULL, 0));
        node(fdt, "inner", NULL, NULL);
        CELLS(fdt, "#address-cells", 1);
        CELLS(fdt, "#size-cells", 1);
        CELLS(fdt, "ranges", 0x1000, 2, 0, 0x1000, 0x8000, 0, 0x90000000, 0x1000);
        node(fdt, "gpio", NULL, NULL);
        CELLS(fdt, "reg", cases[i].bus, 0x10);
        DO(fdt_end_node(fdt));
        DO(fdt_end_node(fdt));
        DO(fdt_end_node(fdt));
        end(fdt);
        assert_int_equal(dt_reg(fdt, fdt_path_offset(fdt, "/outer/inner/gpio"), 0, &window), cases[i].cpu != 0);
        if (cases[i].cpu)
            assert_int_equal(window.base, cases[i].cpu);
    }
}

static void reg_of_three_cells_is_refused(void **state)
{
    _Alignas(8) char fdt[TREE_BYTES];
    struct dt_window window;

    (void)state;
    begin(fdt, 3, 2);
    node(fdt, "pci", NULL, NULL);
    CELLS(fdt, "reg", 1, 2, 3, 4, 5);
    DO(fdt_end_node(fdt));
    end(fdt);
    assert_false(dt_reg(fdt, fdt_path_offset(fdt, "/pci"), 0, &window));
}

static void only_a_shared_interrupt_will_do(void **state)
{
    static const struct {
        uint32_t kind;
        uint32_t number;
        uint32_t intid; /* 0: refused */
    } cases[] = {{0, 7, 39}, {0, 0, 32}, {0, 987, 1019}, {0, 988, 0}, {1, 7, 0}};
    _Alignas(8) char fdt[TREE_BYTES];
    uint32_t intid;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(fdt, 1, 1);
        CELLS(fdt, "interrupts", cases[i].kind, cases[i].number, 4);
        node(fdt, "short", NULL, NULL);
        CELLS(fdt, "interrupts", 0, 7);
        DO(fdt_end_node(fdt));
        end(fdt);
        assert_int_equal(dt_spi(fdt, 0, &intid), cases[i].intid != 0);
        if (cases[i].intid)
            assert_int_equal(intid, cases[i].intid);
        assert_false(dt_spi(fdt, fdt_path_offset(fdt, "/short"), &intid));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_first_enabled),
        cmocka_unit_test(stdout_by_path_and_alias),
        cmocka_unit_test(nothing_chosen),
        cmocka_unit_test(bootargs_and_board),
        cmocka_unit_test(reg_with_the_parents_cells),
        cmocka_unit_test(reg_through_ranges),
        cmocka_unit_test(reg_of_three_cells_is_refused),
        cmocka_unit_test(only_a_shared_interrupt_will_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
