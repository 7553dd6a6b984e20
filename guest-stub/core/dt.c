/* SPDX-License-Identifier: MIT */
#include "core/dt.h"
#include "gic/gic.h"

#include <libfdt.h>

#include <stddef.h>
#include <string.h>

enum {
    CELL_BYTES = 4,
    MAX_CELLS = 2, /* a 64-bit number */
    LAST_SPI = 1019,
    GIC_CELLS = 3, /* kind, number, flags */
    GIC_KIND_SPI = 0,
};

static uint64_t number(const fdt32_t *cells, int count)
{
    uint64_t value = 0;

    for (int i = 0; i < count; i++)
        value = value << 32 | fdt32_ld(&cells[i]);
    return value;
}

static bool enabled(const void *fdt, int node)
{
    const char *status = fdt_getprop(fdt, node, "status", NULL);

    return !status || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

int dt_find(const void *fdt, const char *compatible)
{
    int node = fdt_node_offset_by_compatible(fdt, -1, compatible);

    while (node >= 0 && !enabled(fdt, node))
        node = fdt_node_offset_by_compatible(fdt, node, compatible);
    return node;
}

int dt_stdout(const void *fdt)
{
    int chosen = fdt_path_offset(fdt, "/chosen");
    const char *path = fdt_getprop(fdt, chosen, "stdout-path", NULL);
    const char *options;

    if (!path)
        return -1;
    options = strchr(path, ':');
    return fdt_path_offset_namelen(fdt, path, options ? (int)(options - path) : (int)strlen(path));
}

/* From `bus`'s address space into that of `parent`, its parent. No ranges, or empty ones: they are the same.
 */
static bool translate(const void *fdt, int bus, int parent, uint64_t *address)
{
    int length;
    const fdt32_t *range = fdt_getprop(fdt, bus, "ranges", &length);
    int here = fdt_address_cells(fdt, bus);
    int above = fdt_address_cells(fdt, parent);
    int size = fdt_size_cells(fdt, bus);
    int entry = here + above + size;

    if (!range || length == 0)
        return true;
    if (here < 1 || here > MAX_CELLS || above < 1 || above > MAX_CELLS || size < 1 || size > MAX_CELLS)
        return false;
    for (; length >= entry * CELL_BYTES; length -= entry * CELL_BYTES, range += entry) {
        uint64_t offset = *address - number(range, here); /* wraps to a huge number below the range */

        if (offset < number(range + here + above, size)) {
            *address = number(range + here, above) + offset;
            return true;
        }
    }
    return false;
}

bool dt_reg(const void *fdt, int node, int index, struct dt_window *window)
{
    int length;
    const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);
    int bus = fdt_parent_offset(fdt, node);
    int address_cells = fdt_address_cells(fdt, bus);
    int size_cells = fdt_size_cells(fdt, bus);
    int entry = address_cells + size_cells;
    int parent;

    if (!reg || address_cells < 1 || address_cells > MAX_CELLS || size_cells < 0 || size_cells > MAX_CELLS)
        return false;
    if (length < (index + 1) * entry * CELL_BYTES)
        return false;
    reg += (ptrdiff_t)index * entry;
    window->base = number(reg, address_cells);
    window->size = number(reg + address_cells, size_cells);

    for (; (parent = fdt_parent_offset(fdt, bus)) >= 0; bus = parent) {
        if (!translate(fdt, bus, parent, &window->base))
            return false;
    }
    return true;
}

bool dt_spi(const void *fdt, int node, uint32_t *intid)
{
    int length;
    const fdt32_t *interrupt = fdt_getprop(fdt, node, "interrupts", &length);

    if (!interrupt || length < GIC_CELLS * CELL_BYTES || fdt32_ld(&interrupt[0]) != GIC_KIND_SPI ||
        fdt32_ld(&interrupt[1]) > LAST_SPI - GIC_FIRST_SPI)
        return false;
    *intid = fdt32_ld(&interrupt[1]) + GIC_FIRST_SPI;
    return true;
}

const char *dt_bootargs(const void *fdt)
{
    const char *bootargs = fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs", NULL);

    return bootargs ? bootargs : "";
}

const char *dt_board(const void *fdt)
{
    const char *compatible = fdt_getprop(fdt, 0, "compatible", NULL);

    return compatible ? compatible : "unknown";
}
