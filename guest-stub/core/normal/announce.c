/* SPDX-License-Identifier: MIT */
#include "arch/entry.h"
#include "core/print.h"
#include "core/stub.h"
#include "core/variant.h"

/* Xen 4.17 breaks a guest's line after 127 characters: this one has at most 127 as a domU. */
void announce(const struct stub *stub)
{
    const struct pins *pins = &stub->pins;

    print(&stub->uart, "READY pin2pin-stub %s board=%s gic=%s el=1 entry_el=%lu idle=wfi intid=%lu ", P2P_VERSION,
          stub->board, stub->gic.name, stub->entry_el, (unsigned long)stub->intid);
    print(&stub->uart, "stimulus=%lu answer=%lu query=%lu path=%lu\n", (unsigned long)pins->stimulus,
          (unsigned long)pins->answer, (unsigned long)pins->query, (unsigned long)path_instructions);
}
