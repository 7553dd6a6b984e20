/* SPDX-License-Identifier: MIT */
/* What the stub asks of the device tree. Nodes are libfdt offsets; below 0: not there. */
#ifndef STUB_CORE_DT_H
#define STUB_CORE_DT_H

#include <stdbool.h>
#include <stdint.h>

struct dt_window {
    uint64_t base;
    uint64_t size;
};

/* First node with this compatible that is not disabled. */
int dt_find(const void *fdt, const char *compatible);

/* Where /chosen's stdout-path points to; aliases and options (":115200") are understood. */
int dt_stdout(const void *fdt);

/* Window `index` of the node's reg, as the CPU sees it: translated by the ranges of every bus above. */
bool dt_reg(const void *fdt, int node, int index, struct dt_window *window);

/* INTID of the node's first interrupt. False: none, or no shared peripheral interrupt of a GIC. */
bool dt_spi(const void *fdt, int node, uint32_t *intid);

/* /chosen's bootargs; "" if there are none. */
const char *dt_bootargs(const void *fdt);

/* First word of the root's compatible; "unknown" if it has none. */
const char *dt_board(const void *fdt);

#endif
