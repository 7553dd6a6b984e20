/* SPDX-License-Identifier: MIT */
/* Find the parts in the device tree, arm them, then answer: see SPEC.md. */
#include "arch/entry.h"
#include "arch/sysreg.h"
#include "core/dt.h"
#include "core/print.h"
#include "core/stub.h"
#include "core/variant.h"

#include <libfdt.h>

#include <stdbool.h>
#include <stddef.h>

/* False: no UART in the tree, so there is nowhere to complain. */
static bool find_uart(struct stub *stub, const void *fdt)
{
    struct dt_window window;
    int node = dt_stdout(fdt);

    if (node < 0)
        node = dt_find(fdt, "arm,sbsa-uart");
    if (node < 0)
        node = dt_find(fdt, "arm,pl011");
    if (node < 0 || !dt_reg(fdt, node, 0, &window))
        return false;
    if (fdt_node_check_compatible(fdt, node, "arm,pl011") == 0)
        uart_pl011_init(&stub->uart, window.base);
    else if (fdt_node_check_compatible(fdt, node, "arm,sbsa-uart") == 0)
        uart_sbsa_init(&stub->uart, window.base);
    else
        return false;
    return true;
}

static const char *find_gic(struct stub *stub, const void *fdt)
{
    struct dt_window distributor;
    struct dt_window cpu;
    int v3 = dt_find(fdt, "arm,gic-v3");
    int node = v3;

    if (node < 0)
        node = dt_find(fdt, "arm,cortex-a15-gic");
    if (node < 0)
        node = dt_find(fdt, "arm,gic-400");
    if (node < 0)
        return "device tree: no arm,gic-v3, arm,gic-400 or arm,cortex-a15-gic; use a board with one of them";
    if (!dt_reg(fdt, node, 0, &distributor) || !dt_reg(fdt, node, 1, &cpu))
        return "device tree: the GIC's reg names no distributor and CPU part; correct it";
    if (v3 < 0)
        gic_v2_init(&stub->gic, distributor.base, cpu.base);
    else if (!gic_v3_init(&stub->gic, distributor.base, cpu.base, cpu.size))
        return "GICv3: no redistributor of this CPU in reg 1; correct the device tree";
    return NULL;
}

static const char *find_gpio(struct stub *stub, const void *fdt)
{
    struct dt_window window;
    int node = dt_find(fdt, "arm,pl061");

    if (node < 0)
        return "device tree: no arm,pl061; under Xen, pass it through to this domain";
    if (!dt_reg(fdt, node, 0, &window))
        return "device tree: the pl061's reg cannot be read; correct it";
    if (!dt_spi(fdt, node, &stub->intid))
        return "device tree: the pl061's interrupts is no SPI, e.g. <0 7 4>; correct it";
    gpio_pl061_init(&stub->gpio, window.base);
    return NULL;
}

/* The order keeps the output free of edges and every stage shut until the one behind it is ready. */
static void arm(struct stub *stub)
{
    struct gpio_answer answer;
    uint32_t inputs = 1u << stub->pins.stimulus | 1u << stub->pins.query;

    stub->gpio.setup(&stub->gpio, inputs, 1u << stub->pins.answer, &answer);
    answer_set(answer.toggle, answer.address, answer.value);
    write_tpidr_el1((uintptr_t)stub);
    stub->gic.enable_spi(&stub->gic, stub->intid);
    unmask_interrupts();
}

/* Interrupts go on meanwhile: copy until no interrupt came between. */
static void print_counters(const struct stub *stub)
{
    struct counters counters;

    do {
        counters = stub->counters;
    } while (counters.irq != stub->counters.irq);
    print(&stub->uart, "COUNTERS irq=%lu stimulus=%lu query=%lu unexpected_irq=%lu last_unexpected_intid=%lu ",
          counters.irq, counters.stimulus, counters.query, counters.unexpected_irq, counters.last_unexpected_intid);
    print(&stub->uart, "spurious=%lu fiq=%lu serror=%lu\n", counters.spurious, counters.fiq, counters.serror);
}

void stub_main(const void *fdt, uint64_t entry_el)
{
    struct stub stub = {.entry_el = entry_el};
    const char *wrong;

    if (fdt_check_header(fdt) != 0 || !find_uart(&stub, fdt))
        stop();
    stub.board = dt_board(fdt);
    wrong = find_gic(&stub, fdt);
    if (!wrong)
        wrong = find_gpio(&stub, fdt);
    if (wrong) {
        print(&stub.uart, "ERROR %s\n", wrong);
        stop();
    }
    wrong = pins_parse(dt_bootargs(fdt), stub.gpio.pin_count, &stub.pins);
    if (wrong) {
        print(&stub.uart, "ERROR bootargs \"%s\": %s; give \"stimulus=0 answer=1 query=2\", pins 0 to %lu\n",
              dt_bootargs(fdt), wrong, stub.gpio.pin_count - 1ul);
        stop();
    }
    arm(&stub);
    announce(&stub);
    for (;;) {
        idle(&stub.queried);
        stub.queried = 0; /* before the counters are read: a query during the printing is answered next */
        print_counters(&stub);
    }
}
