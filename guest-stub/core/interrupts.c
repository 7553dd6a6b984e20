/* SPDX-License-Identifier: MIT */
/* What happens after the vector has answered. Nothing here prints, but the fatal one. */
#include "arch/entry.h"
#include "arch/sysreg.h"
#include "core/print.h"
#include "core/stub.h"
#include "core/variant.h"

#include <stddef.h>

static void count_edges(struct stub *stub)
{
    uint32_t edges = stub->gpio.take_edges(&stub->gpio);

    if (edges == 0)
        stub->counters.spurious++;
    if (edges >> stub->pins.stimulus & 1)
        stub->counters.stimulus++;
    if (edges >> stub->pins.query & 1) {
        stub->counters.query++;
        stub->queried = 1;
    }
}

void stub_irq(struct stub *stub)
{
    uint32_t acknowledged = stub->gic.acknowledge(&stub->gic);
    uint32_t intid = acknowledged & stub->gic.intid_mask;

    stub->counters.irq++;
    if (intid >= GIC_FIRST_SPECIAL && intid <= GIC_LAST_SPECIAL) {
        stub->counters.spurious++;
    } else {
        if (intid == stub->intid) {
            count_edges(stub);
        } else {
            stub->counters.unexpected_irq++;
            stub->counters.last_unexpected_intid = intid;
        }
        stub->gic.end(&stub->gic, acknowledged);
    }
    after_interrupt(stub->counters.irq);
}

void stub_fiq(struct stub *stub)
{
    stub->counters.fiq++;
}

void stub_serror(struct stub *stub)
{
    stub->counters.serror++;
}

void stub_fatal(const struct stub *stub, uint32_t vector)
{
    if (stub)
        print(&stub->uart, "EXCEPTION vector=%lu esr=%lx elr=%lx far=%lx\n", (unsigned long)vector, read_esr_el1(),
              read_elr_el1(), read_far_el1());
    stop();
}
