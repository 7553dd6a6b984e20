/* SPDX-License-Identifier: MIT */
/* Device trees. Replaced at link time: malloc and calloc (no memory). */
#include "board/device_tree.h"

#include "base_tree.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool no_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    return no_memory ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory ? NULL : __real_calloc(count, size);
}

static const struct p2p_domain domains[] = {
    {
        .command_line = "stimulus=0",
        .memory_mib = 5000, /* its KiB fit 32 bits, its bytes do not */
        .vcpus = 1,
        .kernel = {.address = 0x150000000, .size = 4242},
        .device_tree = {.address = 0x50100000, .size = 0x1000000ff},
    },
    {.memory_mib = 16, .vcpus = 3, .kernel = {.address = 0x51000000, .size = 84}},
    {.memory_mib = 17, .vcpus = 1, .kernel = {.address = 0x52000000, .size = 85}},
};

static const struct p2p_xen_chosen chosen = {.command_line = "sched=null", .domains = domains, .domain_count = 1};

typedef enum p2p_code compose_fn(const void *base, size_t base_size, struct p2p_blob *tree, struct p2p_error *error);

static enum p2p_code native(const void *base, size_t base_size, struct p2p_blob *tree, struct p2p_error *error)
{
    return p2p_native_tree(base, base_size, "stimulus=0", tree, error);
}

static enum p2p_code xen(const void *base, size_t base_size, struct p2p_blob *tree, struct p2p_error *error)
{
    return p2p_xen_tree(base, base_size, &chosen, tree, error);
}

static compose_fn *const all[] = {native, xen, p2p_passthrough_tree};

enum { ALL = sizeof all / sizeof all[0] };

/* The caller frees `data`. */
static struct p2p_blob make_base(const struct base_tree *shape)
{
    struct p2p_blob base = {.data = malloc(BASE_TREE_BYTES)};

    assert_non_null(base.data);
    base.size = base_tree_make(shape, base.data);
    assert_true(base.size > 0);
    return base;
}

/* The caller frees `data`. */
static struct p2p_blob compose(compose_fn *make, const struct base_tree *shape)
{
    struct p2p_blob base = make_base(shape), tree = {0};
    struct p2p_error error = {0};

    if (make(base.data, base.size, &tree, &error) != P2P_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(fdt_check_full(tree.data, tree.size), 0);
    assert_int_equal(fdt_totalsize(tree.data), tree.size);
    free(base.data);
    return tree;
}

static void assert_refused(compose_fn *make, const void *base, size_t size, enum p2p_code code, const char *part)
{
    struct p2p_blob tree = {0};
    struct p2p_error error = {0};

    assert_int_equal(make(base, size, &tree, &error), code);
    assert_int_equal(error.code, code);
    assert_null(tree.data);
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, error.message);
    }
}

static void assert_shape_refused(compose_fn *make, const struct base_tree *shape, const char *part)
{
    struct p2p_blob base = make_base(shape);

    assert_refused(make, base.data, base.size, P2P_E_BENCH, part);
    free(base.data);
}

static int node_at(const void *tree, const char *path)
{
    int node = fdt_path_offset(tree, path);

    if (node < 0) {
        fail_msg("%s: %s", path, fdt_strerror(node));
    }
    return node;
}

static void assert_property(const void *tree, const char *path, const char *name, const void *expected, size_t bytes)
{
    int length = -1;
    const void *value = fdt_getprop(tree, node_at(tree, path), name, &length);

    if (value == NULL || (size_t)length != bytes || (bytes > 0 && memcmp(value, expected, bytes) != 0)) {
        fail_msg("%s: %s has %d bytes, expected others, %zu", path, name, length, bytes);
    }
}

static void assert_string(const void *tree, const char *path, const char *name, const char *expected)
{
    assert_property(tree, path, name, expected, strlen(expected) + 1);
}

static void assert_u32(const void *tree, const char *path, const char *name, uint32_t expected)
{
    fdt32_t cell = cpu_to_fdt32(expected);

    assert_property(tree, path, name, &cell, sizeof cell);
}

static int count_properties(const void *tree, const char *path)
{
    int property, count = 0;

    fdt_for_each_property_offset(property, tree, node_at(tree, path))
    {
        count++;
    }
    return count;
}

/* "a b c": the subnodes of `path`, in order. */
static void assert_subnodes(const void *tree, const char *path, const char *expected)
{
    char names[256] = "";
    size_t used = 0;
    int node;

    fdt_for_each_subnode(node, tree, node_at(tree, path))
    {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? " " : "",
                                 fdt_get_name(tree, node, NULL));
        assert_true(used < sizeof names);
    }
    assert_string_equal(names, expected);
}

static void assert_pruned(const void *tree)
{
    assert_subnodes(tree, "/", "chosen psci timer memory@40000000 pl061@9030000 pl011@9000000 aliases");
    assert_string(tree, "/psci", "compatible", "arm,psci-1.0");
    assert_string(tree, "/pl011@9000000", "compatible", "arm,pl011");
    assert_string(tree, "/aliases", "serial0", "/pl011@9000000");
}

static void the_native_tree_is_pruned_and_has_a_command_line(void **state)
{
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob tree = compose(native, &shape);

    (void)state;
    assert_pruned(tree.data);
    assert_string(tree.data, "/chosen", "stdout-path", "/pl011@9000000");
    assert_string(tree.data, "/chosen", "bootargs", "stimulus=0");
    assert_int_equal(count_properties(tree.data, "/chosen"), 2); /* no seeds */
    assert_null(fdt_getprop(tree.data, node_at(tree.data, "/pl061@9030000"), "xen,passthrough", NULL));
    free(tree.data);
}

static void the_native_tree_needs_no_gpio(void **state)
{
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob tree;

    (void)state;
    shape.gpio_address = 0;
    tree = compose(native, &shape);
    assert_string(tree.data, "/chosen", "bootargs", "stimulus=0");
    free(tree.data);
}

static void assert_stdout(const char *uart, int uart_bytes, const char *expected)
{
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob tree;

    shape.uart = uart;
    shape.uart_bytes = uart_bytes;
    tree = compose(native, &shape);
    assert_string(tree.data, "/chosen", "stdout-path", expected);
    free(tree.data);
}

static void the_console_is_the_alias_or_where_virt_has_it(void **state)
{
    (void)state;
    assert_stdout("/another@1", 11, "/another@1");
    assert_stdout(NULL, 0, "/pl011@9000000");
    assert_stdout("/pl011", 6, "/pl011@9000000"); /* not terminated: no string */
    assert_stdout("", 0, "/pl011@9000000");
}

static void xens_tree_has_the_domain_and_the_gpio_marked(void **state)
{
    static const char kernel[] = "multiboot,kernel\0multiboot,module",
                      partial[] = "multiboot,device-tree\0multiboot,module";
    fdt64_t kernel_reg[] = {cpu_to_fdt64(0x150000000), cpu_to_fdt64(4242)};
    fdt64_t partial_reg[] = {cpu_to_fdt64(0x50100000), cpu_to_fdt64(0x1000000ff)};
    fdt64_t memory = cpu_to_fdt64(UINT64_C(5000) * 1024);
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob tree = compose(xen, &shape);

    (void)state;
    assert_pruned(tree.data);
    assert_property(tree.data, "/pl061@9030000", "xen,passthrough", NULL, 0);
    assert_null(fdt_getprop(tree.data, node_at(tree.data, "/pl011@9000000"), "xen,passthrough", NULL));
    assert_string(tree.data, "/chosen", "stdout-path", "/pl011@9000000");
    assert_string(tree.data, "/chosen", "xen,xen-bootargs", "sched=null");
    assert_u32(tree.data, "/chosen", "#address-cells", 2);
    assert_u32(tree.data, "/chosen", "#size-cells", 2);
    assert_int_equal(count_properties(tree.data, "/chosen"), 4);
    assert_subnodes(tree.data, "/chosen", "domU1");

    assert_string(tree.data, "/chosen/domU1", "compatible", "xen,domain");
    assert_u32(tree.data, "/chosen/domU1", "#address-cells", 2);
    assert_u32(tree.data, "/chosen/domU1", "#size-cells", 2);
    assert_property(tree.data, "/chosen/domU1", "memory", &memory, sizeof memory);
    assert_u32(tree.data, "/chosen/domU1", "cpus", 1);
    assert_property(tree.data, "/chosen/domU1", "vpl011", NULL, 0);
    assert_subnodes(tree.data, "/chosen/domU1", "module@150000000 module@50100000");

    assert_property(tree.data, "/chosen/domU1/module@150000000", "compatible", kernel, sizeof kernel);
    assert_property(tree.data, "/chosen/domU1/module@150000000", "reg", kernel_reg, sizeof kernel_reg);
    assert_string(tree.data, "/chosen/domU1/module@150000000", "bootargs", "stimulus=0");
    assert_property(tree.data, "/chosen/domU1/module@50100000", "compatible", partial, sizeof partial);
    assert_property(tree.data, "/chosen/domU1/module@50100000", "reg", partial_reg, sizeof partial_reg);
    assert_int_equal(count_properties(tree.data, "/chosen/domU1/module@50100000"), 2);
    free(tree.data);
}

static enum p2p_code with_neighbours(const void *base, size_t base_size, struct p2p_blob *tree, struct p2p_error *error)
{
    struct p2p_xen_chosen three = chosen;

    three.domain_count = 3;
    return p2p_xen_tree(base, base_size, &three, tree, error);
}

static void neighbours_are_domains_with_a_kernel_and_a_console(void **state)
{
    static const char kernel[] = "multiboot,kernel\0multiboot,module";
    fdt64_t reg[] = {cpu_to_fdt64(0x51000000), cpu_to_fdt64(84)};
    fdt64_t memory = cpu_to_fdt64(16 * 1024);
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob tree = compose(with_neighbours, &shape);

    (void)state;
    assert_subnodes(tree.data, "/chosen", "domU1 domU2 domU3"); /* Xen numbers them in this order */
    assert_property(tree.data, "/chosen/domU1", "vpl011", NULL, 0);
    assert_string(tree.data, "/chosen/domU2", "compatible", "xen,domain");
    assert_property(tree.data, "/chosen/domU2", "memory", &memory, sizeof memory);
    assert_u32(tree.data, "/chosen/domU2", "cpus", 3);
    assert_property(tree.data, "/chosen/domU2", "vpl011", NULL, 0);
    assert_int_equal(count_properties(tree.data, "/chosen/domU2"), 6);
    assert_subnodes(tree.data, "/chosen/domU2", "module@51000000");
    assert_property(tree.data, "/chosen/domU2/module@51000000", "compatible", kernel, sizeof kernel);
    assert_property(tree.data, "/chosen/domU2/module@51000000", "reg", reg, sizeof reg);
    assert_int_equal(count_properties(tree.data, "/chosen/domU2/module@51000000"), 2);
    assert_subnodes(tree.data, "/chosen/domU3", "module@52000000");
    free(tree.data);
}

static enum p2p_code in_a_pool(const void *base, size_t base_size, struct p2p_blob *tree, struct p2p_error *error)
{
    struct p2p_xen_chosen pooled = chosen;

    pooled.pool = (struct p2p_cpupool){.first_cpu = 1, .cpu_count = 2, .scheduler = "null"};
    pooled.domain_count = 2;
    return p2p_xen_tree(base, base_size, &pooled, tree, error);
}

/* CPU 1 has a phandle, CPU 2 gets one that is free; so does the pool. */
static void a_pool_refers_to_its_cpus_and_the_guest_to_it(void **state)
{
    struct base_tree shape = base_tree_of_virt();
    fdt32_t cpus[] = {cpu_to_fdt32(0x8001), cpu_to_fdt32(0x8005)};
    struct p2p_blob tree;

    (void)state;
    shape.cpus = 3;
    tree = compose(in_a_pool, &shape);
    assert_subnodes(tree.data, "/chosen", "domU1 domU2 cpupool");
    assert_string(tree.data, "/chosen/cpupool", "compatible", "xen,cpupool");
    assert_string(tree.data, "/chosen/cpupool", "cpupool-sched", "null");
    assert_property(tree.data, "/chosen/cpupool", "cpupool-cpus", cpus, sizeof cpus);
    assert_u32(tree.data, "/cpus/cpu@1", "phandle", 0x8001);
    assert_u32(tree.data, "/cpus/cpu@2", "phandle", 0x8005);
    assert_u32(tree.data, "/chosen/cpupool", "phandle", 0x8006);
    assert_u32(tree.data, "/chosen/domU1", "domain-cpupool", 0x8006);
    assert_null(fdt_getprop(tree.data, node_at(tree.data, "/chosen/domU2"), "domain-cpupool", NULL));
    free(tree.data);
}

static void a_pool_of_cpus_that_are_not_there_is_refused(void **state)
{
    struct base_tree shape = base_tree_of_virt();

    (void)state;
    shape.cpus = 2;
    assert_shape_refused(in_a_pool, &shape, "device tree: the board has no CPU 2 for the cpupool");
    shape.cpus = 0;
    assert_shape_refused(in_a_pool, &shape, "device tree: the board has no CPU 1 for the cpupool");
}

static void the_partial_tree_hands_over_the_gpio(void **state)
{
    static const char compatible[] = "arm,pl061\0arm,primecell", gpio[] = "/passthrough/pl061@9030000";
    fdt64_t address = cpu_to_fdt64(0x1209030000), size = cpu_to_fdt64(0x1000);
    fdt64_t reg[] = {address, size}, mapping[] = {address, size, address};
    fdt32_t interrupts[] = {0, cpu_to_fdt32(7), cpu_to_fdt32(4)};
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob tree;

    (void)state;
    shape.gpio_address = 0x1209030000; /* of more than 32 bits */
    tree = compose(p2p_passthrough_tree, &shape);
    assert_u32(tree.data, "/", "#address-cells", 2);
    assert_u32(tree.data, "/", "#size-cells", 2);
    assert_subnodes(tree.data, "/", "gic passthrough");
    assert_u32(tree.data, "/gic", "#interrupt-cells", 3);
    assert_property(tree.data, "/gic", "interrupt-controller", NULL, 0);
    assert_u32(tree.data, "/gic", "phandle", 0xfde8);

    assert_string(tree.data, "/passthrough", "compatible", "simple-bus");
    assert_property(tree.data, "/passthrough", "ranges", NULL, 0);
    assert_u32(tree.data, "/passthrough", "#address-cells", 2);
    assert_u32(tree.data, "/passthrough", "#size-cells", 2);
    assert_subnodes(tree.data, "/passthrough", "pl061@9030000");

    assert_property(tree.data, gpio, "compatible", compatible, sizeof compatible);
    assert_property(tree.data, gpio, "reg", reg, sizeof reg);
    assert_u32(tree.data, gpio, "interrupt-parent", 0xfde8);
    assert_property(tree.data, gpio, "interrupts", interrupts, sizeof interrupts);
    assert_property(tree.data, gpio, "xen,reg", mapping, sizeof mapping);
    assert_string(tree.data, gpio, "xen,path", "/pl061@9030000");
    assert_property(tree.data, gpio, "xen,force-assign-without-iommu", NULL, 0);
    assert_int_equal(count_properties(tree.data, gpio), 7);
    free(tree.data);
}

static void the_same_comes_out_each_time(void **state)
{
    struct base_tree shape = base_tree_of_virt();

    (void)state;
    for (int i = 0; i < ALL; i++) {
        struct p2p_blob one = compose(all[i], &shape), two = compose(all[i], &shape);

        assert_int_equal(one.size, two.size);
        assert_memory_equal(one.data, two.data, one.size);
        free(one.data);
        free(two.data);
    }
}

static void a_board_without_gpio_is_refused(void **state)
{
    struct base_tree shape = base_tree_of_virt();

    (void)state;
    shape.gpio_address = 0;
    for (int i = 1; i < ALL; i++) {
        assert_shape_refused(all[i], &shape, "no node compatible with arm,pl061");
    }
}

static void a_gpio_of_another_form_is_refused(void **state)
{
    static const int reg_bytes[] = {8, 16, 16}, interrupts_bytes[] = {12, 8, -1};
    struct base_tree shape = base_tree_of_virt();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        shape.gpio_reg_bytes = reg_bytes[i];
        shape.gpio_interrupts_bytes = interrupts_bytes[i];
        for (int j = 1; j < ALL; j++) {
            assert_shape_refused(all[j], &shape, "no reg of 4 cells and interrupts of 3");
        }
    }
}

/* Each beginning in memory of exactly its size: reading beyond it meets the sanitizer. */
static void a_cut_tree_is_refused(void **state)
{
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob base = make_base(&shape);

    (void)state;
    for (size_t size = 0; size < base.size; size += size < 64 ? 1 : 37) {
        void *part = malloc(size > 0 ? size : 1);

        assert_non_null(part);
        memcpy(part, base.data, size);
        for (int i = 0; i < ALL; i++) {
            assert_refused(all[i], part, size, P2P_E_BENCH, "QEMU's own tree");
        }
        free(part);
    }
    free(base.data);
}

static void garbage_is_refused(void **state)
{
    static const uint64_t garbage[16] = {0x6d656d6563616d65};

    (void)state;
    for (int i = 0; i < ALL; i++) {
        assert_refused(all[i], garbage, sizeof garbage, P2P_E_BENCH, "QEMU's own tree: FDT_ERR_BADMAGIC");
    }
}

static void a_command_line_beyond_the_room_is_refused(void **state)
{
    static char endless[32768];
    struct p2p_domain wordy = domains[0];
    struct p2p_xen_chosen wordy_chosen = {.command_line = "", .domains = &wordy, .domain_count = 1};
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob base = make_base(&shape), tree = {0};
    struct p2p_error error = {0};

    (void)state;
    memset(endless, 'x', sizeof endless - 1);
    assert_int_equal(p2p_native_tree(base.data, base.size, endless, &tree, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "device tree: cannot add /chosen: FDT_ERR_NOSPACE");
    error = (struct p2p_error){0};
    wordy.command_line = endless;
    assert_int_equal(p2p_xen_tree(base.data, base.size, &wordy_chosen, &tree, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "device tree: cannot add Xen's domains: FDT_ERR_NOSPACE");
    assert_null(tree.data);
    free(base.data);
}

static void no_memory_is_said(void **state)
{
    struct base_tree shape = base_tree_of_virt();
    struct p2p_blob base = make_base(&shape);

    (void)state;
    for (int i = 0; i < ALL; i++) {
        struct p2p_blob tree = {0};
        struct p2p_error error = {0};
        enum p2p_code code;

        no_memory = true;
        code = all[i](base.data, base.size, &tree, &error);
        no_memory = false;
        assert_int_equal(code, P2P_E_HOST);
        assert_string_equal(error.message, "device tree: out of memory");
        assert_null(tree.data);
    }
    free(base.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_native_tree_is_pruned_and_has_a_command_line),
        cmocka_unit_test(the_native_tree_needs_no_gpio),
        cmocka_unit_test(the_console_is_the_alias_or_where_virt_has_it),
        cmocka_unit_test(xens_tree_has_the_domain_and_the_gpio_marked),
        cmocka_unit_test(neighbours_are_domains_with_a_kernel_and_a_console),
        cmocka_unit_test(a_pool_refers_to_its_cpus_and_the_guest_to_it),
        cmocka_unit_test(a_pool_of_cpus_that_are_not_there_is_refused),
        cmocka_unit_test(the_partial_tree_hands_over_the_gpio),
        cmocka_unit_test(the_same_comes_out_each_time),
        cmocka_unit_test(a_board_without_gpio_is_refused),
        cmocka_unit_test(a_gpio_of_another_form_is_refused),
        cmocka_unit_test(a_cut_tree_is_refused),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(a_command_line_beyond_the_room_is_refused),
        cmocka_unit_test(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
