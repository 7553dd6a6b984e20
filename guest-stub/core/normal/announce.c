/* SPDX-License-Identifier: MIT */
#include "arch/entry.h"
#include "core/print.h"
#include "core/stub.h"
#include "core/variant.h"

/* Two lines: Xen 4.17 breaks a guest's line after 127 characters. */
void announce(const struct stub *stub)
{
    const struct pins *pins = &stub->pins;

    print(&stub->uart, "BOARD compatible=%s gpio=%s@%lx stimulus=%lu answer=%lu query=%lu\n", stub->board,
          stub->gpio.name, stub->gpio.base, (unsigned long)pins->stimulus, (unsigned long)pins->answer,
          (unsigned long)pins->query);
    print(&stub->uart,
          "READY pin2pin-stub version=%s gic=%s el=1 entry_el=%lu idle=wfi intid=%lu path_instructions=%lu\n",
          P2P_VERSION, stub->gic.name, stub->entry_el, (unsigned long)stub->intid,
          (unsigned long)path_instructions);
}
