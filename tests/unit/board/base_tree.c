/* SPDX-License-Identifier: MIT */
#include "base_tree.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

struct base_tree base_tree_of_virt(void)
{
    static const char uart[] = "/pl011@9000000";

    return (struct base_tree){.gpio_address = 0x9030000,
                              .gpio_reg_bytes = 16,
                              .gpio_interrupts_bytes = 12,
                              .uart = uart,
                              .uart_bytes = sizeof uart};
}

static int add_node(void *blob, const char *name, const char *compatible)
{
    int failure = fdt_begin_node(blob, name);

    failure |= fdt_property(blob, "compatible", compatible, (int)strlen(compatible) + 1);
    return failure | fdt_end_node(blob);
}

static int add_gpio(void *blob, const struct base_tree *shape)
{
    static const char compatible[] = "arm,pl061\0arm,primecell";
    fdt32_t reg[] = {cpu_to_fdt32((uint32_t)(shape->gpio_address >> 32)), cpu_to_fdt32((uint32_t)shape->gpio_address),
                     0, cpu_to_fdt32(0x1000)};
    fdt32_t interrupts[] = {0, cpu_to_fdt32(7), cpu_to_fdt32(4)};
    int failure = fdt_begin_node(blob, "pl061@9030000");

    failure |= fdt_property_u32(blob, "phandle", 0x8004);
    failure |= fdt_property(blob, "compatible", compatible, sizeof compatible);
    failure |= fdt_property(blob, "reg", reg, shape->gpio_reg_bytes);
    if (shape->gpio_interrupts_bytes >= 0) {
        failure |= fdt_property(blob, "interrupts", interrupts, shape->gpio_interrupts_bytes);
    }
    return failure | fdt_end_node(blob);
}

static int add_chosen(void *blob)
{
    int failure = fdt_begin_node(blob, "chosen");

    failure |= fdt_property(blob, "stdout-path", "/old", 5);
    failure |= fdt_property_u32(blob, "rng-seed", 0xa96158ba);
    return failure | fdt_end_node(blob);
}

static int add_aliases(void *blob, const struct base_tree *shape)
{
    int failure = fdt_begin_node(blob, "aliases");

    failure |= fdt_property(blob, "serial0", shape->uart, shape->uart_bytes);
    return failure | fdt_end_node(blob);
}

/* With the cpu-map beside them, as QEMU has it. */
static int add_cpus(void *blob, int count)
{
    int failure = fdt_begin_node(blob, "cpus");

    failure |= add_node(blob, "cpu-map", "no,cpu");
    for (int i = 0; i < count; i++) {
        char name[16];

        snprintf(name, sizeof name, "cpu@%d", i);
        failure |= fdt_begin_node(blob, name);
        failure |= fdt_property(blob, "device_type", "cpu", 4);
        failure |= i < 2 ? fdt_property_u32(blob, "phandle", 0x8000 + (uint32_t)i) : 0;
        failure |= fdt_end_node(blob);
    }
    return failure | fdt_end_node(blob);
}

size_t base_tree_make(const struct base_tree *shape, void *blob)
{
    static const char *const devices[] = {"virtio_mmio@a000000", "virtio_mmio@a000200",  "pcie@10000000", "gpio-keys",
                                          "fw-cfg@9020000",      "platform-bus@c000000", "flash@0",       "timer",
                                          "memory@40000000"};
    int failure = fdt_create(blob, BASE_TREE_BYTES);

    failure |= fdt_finish_reservemap(blob);
    failure |= fdt_begin_node(blob, "");
    failure |= fdt_property_u32(blob, "#address-cells", 2);
    failure |= fdt_property_u32(blob, "#size-cells", 2);
    failure |= add_node(blob, "psci", "arm,psci-1.0");
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        failure |= add_node(blob, devices[i], "some,device");
    }
    failure |= shape->gpio_address != 0 ? add_gpio(blob, shape) : 0;
    failure |= shape->cpus > 0 ? add_cpus(blob, shape->cpus) : 0;
    failure |= add_node(blob, "pl011@9000000", "arm,pl011");
    failure |= shape->uart != NULL ? add_aliases(blob, shape) : 0;
    failure |= add_chosen(blob);
    failure |= fdt_end_node(blob);
    failure |= fdt_finish(blob);
    return failure == 0 ? fdt_totalsize(blob) : 0;
}
