/* SPDX-License-Identifier: MIT */
#include "board/device_tree.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROOM_BYTES = 16384,             /* for what we add to QEMU's tree */
    PARTIAL_BYTES = 4096,           /* the passthrough tree is about 700 bytes */
    XEN_GUEST_PHANDLE_GIC = 0xfde8, /* xen/include/public/device_tree_defs.h: GUEST_PHANDLE_GIC */
    GPIO_BYTES = 0x1000,
    PATH_BYTES = 256,
};

static const char GPIO_COMPATIBLE[] = "arm,pl061";

/* The stub's GPIO block as the board's tree describes it. */
struct gpio_node {
    char path[PATH_BYTES];
    const char *name; /* within path */
    uint64_t address;
    uint32_t interrupts[3]; /* type, SPI number, flags: Devicetree binding arm,gic */
};

static enum p2p_code fdt_failed(struct p2p_error *error, const char *what, int code)
{
    return p2p_error_set(error, P2P_E_BENCH, "device tree: %s: %s", what, fdt_strerror(code));
}

static bool is_unwanted(const char *name)
{
    /* `chosen` holds random seeds, which would end reproducibility; the others are devices of no use here. */
    static const char *const prefixes[] = {"chosen",  "virtio_mmio@",  "pcie@", "gpio-keys",
                                           "fw-cfg@", "platform-bus@", "flash@"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static int first_unwanted(const void *tree)
{
    int node;

    fdt_for_each_subnode(node, tree, 0)
    {
        const char *name = fdt_get_name(tree, node, NULL);

        if (name != NULL && is_unwanted(name)) {
            return node;
        }
    }
    return -FDT_ERR_NOTFOUND;
}

/* A copy of `base` with room to grow, pruned. NULL: see `error`. */
static void *open_pruned(const void *base, size_t base_size, int *size, struct p2p_error *error)
{
    void *tree = NULL;
    int failure = fdt_check_full(base, base_size);

    if (failure != 0) {
        fdt_failed(error, "QEMU's own tree", failure);
        return NULL;
    }
    *size = (int)fdt_totalsize(base) + ROOM_BYTES;
    tree = malloc((size_t)*size);
    if (tree == NULL) {
        p2p_error_set(error, P2P_E_HOST, "device tree: out of memory");
        return NULL;
    }
    failure = fdt_open_into(base, tree, *size);
    for (int node; failure == 0 && (node = first_unwanted(tree)) >= 0;) {
        failure = fdt_del_node(tree, node);
    }
    if (failure != 0) {
        fdt_failed(error, "cannot prune", failure);
        free(tree);
        return NULL;
    }
    return tree;
}

static enum p2p_code hand_over(void *tree, int failure, const char *what, struct p2p_blob *blob,
                               struct p2p_error *error)
{
    if (failure == 0) {
        failure = fdt_pack(tree);
    }
    if (failure != 0) {
        free(tree);
        return fdt_failed(error, what, failure);
    }
    *blob = (struct p2p_blob){.data = tree, .size = fdt_totalsize(tree)};
    return P2P_OK;
}

static enum p2p_code find_gpio(const void *tree, struct gpio_node *gpio, struct p2p_error *error)
{
    int node = fdt_node_offset_by_compatible(tree, -1, GPIO_COMPATIBLE);
    const fdt32_t *reg, *interrupts;
    int reg_bytes = 0, interrupts_bytes = 0;

    if (node < 0) {
        return fdt_failed(error, "no node compatible with arm,pl061", node);
    }
    reg = fdt_getprop(tree, node, "reg", &reg_bytes);
    interrupts = fdt_getprop(tree, node, "interrupts", &interrupts_bytes);
    if (fdt_get_path(tree, node, gpio->path, sizeof gpio->path) != 0 || reg_bytes != 16 || interrupts_bytes != 12) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "device tree: the PL061's node has no reg of 4 cells and interrupts of 3");
    }
    gpio->name = strrchr(gpio->path, '/') + 1;
    /* By bytes: nothing in a tree's header makes its structure block aligned. */
    gpio->address = (uint64_t)fdt32_ld(reg) << 32 | fdt32_ld(reg + 1);
    for (int i = 0; i < 3; i++) {
        gpio->interrupts[i] = fdt32_ld(interrupts + i);
    }
    return P2P_OK;
}

/* The first failure of a sequence of libfdt calls is kept, the rest are not made. */
#define TRY(failure, call) ((failure) = (failure) < 0 ? (failure) : (call))

/* libfdt's own string forms are macros that narrow size_t to int behind our back. */
static int set_string(void *tree, int node, const char *name, const char *text)
{
    return fdt_setprop(tree, node, name, text, (int)strlen(text) + 1);
}

static int write_string(void *tree, const char *name, const char *text)
{
    return fdt_property(tree, name, text, (int)strlen(text) + 1);
}

/* A copy: what libfdt points to within a tree moves with the next change of it. */
static void find_uart(const void *tree, char path[PATH_BYTES])
{
    const char *alias = fdt_stringlist_get(tree, fdt_path_offset(tree, "/aliases"), "serial0", 0, NULL);

    /* QEMU 10 has aliases; before, `virt` had its UART at this place too. */
    snprintf(path, PATH_BYTES, "%s", alias != NULL ? alias : "/pl011@9000000");
}

static int add_chosen(void *tree, int *failure)
{
    char uart[PATH_BYTES];
    int chosen;

    find_uart(tree, uart);
    chosen = fdt_add_subnode(tree, 0, "chosen");
    *failure = chosen < 0 ? chosen : 0;
    TRY(*failure, set_string(tree, chosen, "stdout-path", uart));
    return chosen;
}

enum p2p_code p2p_native_tree(const void *base, size_t base_size, const char *command_line, struct p2p_blob *blob,
                              struct p2p_error *error)
{
    int size = 0, failure = 0, chosen;
    void *tree = open_pruned(base, base_size, &size, error);

    if (tree == NULL) {
        return p2p_failure(error);
    }
    chosen = add_chosen(tree, &failure);
    TRY(failure, set_string(tree, chosen, "bootargs", command_line));
    return hand_over(tree, failure, "cannot add /chosen", blob, error);
}

static void add_module(void *tree, int domain, const char *kind, const struct p2p_module *module,
                       const char *command_line, int *failure)
{
    fdt64_t reg[2] = {cpu_to_fdt64(module->address), cpu_to_fdt64(module->size)};
    char name[32], compatible[64];
    int node, bytes;

    snprintf(name, sizeof name, "module@%" PRIx64, module->address);
    bytes = snprintf(compatible, sizeof compatible, "%s%cmultiboot,module", kind, 0) + 1;
    node = *failure < 0 ? *failure : fdt_add_subnode(tree, domain, name);
    TRY(*failure, node < 0 ? node : 0);
    TRY(*failure, fdt_setprop(tree, node, "compatible", compatible, bytes));
    TRY(*failure, fdt_setprop(tree, node, "reg", reg, sizeof reg));
    if (command_line != NULL) {
        TRY(*failure, set_string(tree, node, "bootargs", command_line));
    }
}

/* The CPU that Xen will give this number, as it goes by their order. */
static int find_cpu(const void *tree, uint32_t number)
{
    int cpus = fdt_path_offset(tree, "/cpus"), node;

    fdt_for_each_subnode(node, tree, cpus)
    {
        const char *type = fdt_getprop(tree, node, "device_type", NULL);

        if (type != NULL && strcmp(type, "cpu") == 0 && number-- == 0) {
            return node;
        }
    }
    return -FDT_ERR_NOTFOUND;
}

static uint32_t give_phandle(void *tree, int node, int *failure)
{
    uint32_t phandle = *failure < 0 ? 0 : fdt_get_phandle(tree, node);

    if (phandle == 0) {
        TRY(*failure, fdt_generate_phandle(tree, &phandle));
        TRY(*failure, fdt_setprop_u32(tree, node, "phandle", phandle));
    }
    return phandle;
}

/* The phandles of the pool's CPUs, as cells. These nodes come first: changing them moves /chosen. */
static enum p2p_code find_pool(void *tree, const struct p2p_cpupool *pool, fdt32_t cells[P2P_CPUS_MAX],
                               struct p2p_error *error)
{
    int failure = 0;

    for (uint32_t i = 0; i < pool->cpu_count; i++) {
        int node = find_cpu(tree, pool->first_cpu + i);

        if (node < 0) {
            return p2p_error_set(error, P2P_E_BENCH, "device tree: the board has no CPU %" PRIu32 " for the cpupool",
                                 pool->first_cpu + i);
        }
        cells[i] = cpu_to_fdt32(give_phandle(tree, node, &failure));
    }
    return failure == 0 ? P2P_OK : fdt_failed(error, "cannot refer to the CPUs", failure);
}

/* Returns the pool's phandle; 0: there is none. */
static uint32_t add_pool(void *tree, int chosen, const struct p2p_cpupool *pool, const fdt32_t *cpus, int *failure)
{
    int node;

    if (pool->cpu_count == 0) {
        return 0;
    }
    node = *failure < 0 ? *failure : fdt_add_subnode(tree, chosen, "cpupool");
    TRY(*failure, node < 0 ? node : 0);
    TRY(*failure, set_string(tree, node, "compatible", "xen,cpupool"));
    TRY(*failure, fdt_setprop(tree, node, "cpupool-cpus", cpus, (int)(pool->cpu_count * sizeof *cpus)));
    TRY(*failure, set_string(tree, node, "cpupool-sched", pool->scheduler));
    return give_phandle(tree, node, failure);
}

static void add_domain(void *tree, int chosen, size_t number, const struct p2p_domain *domain, uint32_t pool,
                       int *failure)
{
    char name[32];
    int node;

    snprintf(name, sizeof name, "domU%zu", number);
    node = *failure < 0 ? *failure : fdt_add_subnode(tree, chosen, name);
    TRY(*failure, node < 0 ? node : 0);
    TRY(*failure, set_string(tree, node, "compatible", "xen,domain"));
    TRY(*failure, fdt_setprop_u32(tree, node, "#address-cells", 2));
    TRY(*failure, fdt_setprop_u32(tree, node, "#size-cells", 2));
    TRY(*failure, fdt_setprop_u64(tree, node, "memory", (uint64_t)domain->memory_mib * 1024)); /* in KiB */
    TRY(*failure, fdt_setprop_u32(tree, node, "cpus", domain->vcpus));
    if (pool != 0) {
        TRY(*failure, fdt_setprop_u32(tree, node, "domain-cpupool", pool));
    }
    TRY(*failure, fdt_setprop_empty(tree, node, "vpl011"));
    /* libfdt puts a new subnode first: added in reverse, they stand in the order Xen's documentation shows. */
    if (domain->device_tree.size > 0) {
        add_module(tree, node, "multiboot,device-tree", &domain->device_tree, NULL, failure);
    }
    add_module(tree, node, "multiboot,kernel", &domain->kernel, domain->command_line, failure);
}

static void add_xen_chosen(void *tree, const struct p2p_xen_chosen *plan, const fdt32_t *pool_cpus, int *failure)
{
    int chosen = add_chosen(tree, failure);
    uint32_t pool;

    TRY(*failure, fdt_setprop_u32(tree, chosen, "#address-cells", 2));
    TRY(*failure, fdt_setprop_u32(tree, chosen, "#size-cells", 2));
    TRY(*failure, set_string(tree, chosen, "xen,xen-bootargs", plan->command_line));
    pool = add_pool(tree, chosen, &plan->pool, pool_cpus, failure);
    for (size_t i = plan->domain_count; i-- > 0;) { /* in reverse, as above */
        add_domain(tree, chosen, i + 1, &plan->domains[i], i == 0 ? pool : 0, failure);
    }
}

enum p2p_code p2p_xen_tree(const void *base, size_t base_size, const struct p2p_xen_chosen *chosen,
                           struct p2p_blob *blob, struct p2p_error *error)
{
    int size = 0, failure;
    struct gpio_node gpio = {0};
    fdt32_t pool_cpus[P2P_CPUS_MAX] = {0};
    void *tree = open_pruned(base, base_size, &size, error);

    if (tree == NULL) {
        return p2p_failure(error);
    }
    if (find_gpio(tree, &gpio, error) != P2P_OK || find_pool(tree, &chosen->pool, pool_cpus, error) != P2P_OK) {
        free(tree);
        return p2p_failure(error);
    }
    failure = fdt_setprop_empty(tree, fdt_path_offset(tree, gpio.path), "xen,passthrough");
    if (failure == 0) {
        add_xen_chosen(tree, chosen, pool_cpus, &failure);
    }
    return hand_over(tree, failure, "cannot add Xen's domains", blob, error);
}

static void write_gpio(void *tree, const struct gpio_node *gpio, int *failure)
{
    fdt32_t interrupts[3] = {0};
    fdt64_t reg[2] = {cpu_to_fdt64(gpio->address), cpu_to_fdt64(GPIO_BYTES)};
    fdt64_t mapping[3] = {reg[0], reg[1], reg[0]}; /* host address, size, guest address: the same */
    static const char compatible[] = "arm,pl061\0arm,primecell";

    for (int i = 0; i < 3; i++) {
        interrupts[i] = cpu_to_fdt32(gpio->interrupts[i]);
    }
    TRY(*failure, fdt_begin_node(tree, gpio->name));
    TRY(*failure, fdt_property(tree, "compatible", compatible, sizeof compatible));
    TRY(*failure, fdt_property(tree, "reg", reg, sizeof reg));
    TRY(*failure, fdt_property_u32(tree, "interrupt-parent", XEN_GUEST_PHANDLE_GIC));
    TRY(*failure, fdt_property(tree, "interrupts", interrupts, sizeof interrupts));
    TRY(*failure, fdt_property(tree, "xen,reg", mapping, sizeof mapping));
    TRY(*failure, write_string(tree, "xen,path", gpio->path));
    TRY(*failure, fdt_property(tree, "xen,force-assign-without-iommu", NULL, 0)); /* `virt` has none, and no DMA here */
    TRY(*failure, fdt_end_node(tree));
}

static void write_passthrough(void *tree, const struct gpio_node *gpio, int *failure)
{
    TRY(*failure, fdt_begin_node(tree, ""));
    TRY(*failure, fdt_property_u32(tree, "#address-cells", 2));
    TRY(*failure, fdt_property_u32(tree, "#size-cells", 2));
    TRY(*failure, fdt_begin_node(tree, "gic"));
    TRY(*failure, fdt_property_u32(tree, "#interrupt-cells", 3));
    TRY(*failure, fdt_property(tree, "interrupt-controller", NULL, 0));
    TRY(*failure, fdt_property_u32(tree, "phandle", XEN_GUEST_PHANDLE_GIC));
    TRY(*failure, fdt_end_node(tree));
    TRY(*failure, fdt_begin_node(tree, "passthrough"));
    TRY(*failure, write_string(tree, "compatible", "simple-bus"));
    TRY(*failure, fdt_property(tree, "ranges", NULL, 0));
    TRY(*failure, fdt_property_u32(tree, "#address-cells", 2));
    TRY(*failure, fdt_property_u32(tree, "#size-cells", 2));
    write_gpio(tree, gpio, failure);
    TRY(*failure, fdt_end_node(tree));
    TRY(*failure, fdt_end_node(tree));
}

enum p2p_code p2p_passthrough_tree(const void *base, size_t base_size, struct p2p_blob *blob, struct p2p_error *error)
{
    struct gpio_node gpio = {0};
    int failure = fdt_check_full(base, base_size);
    void *tree = NULL;

    if (failure != 0) {
        return fdt_failed(error, "QEMU's own tree", failure);
    }
    if (find_gpio(base, &gpio, error) != P2P_OK) {
        return p2p_failure(error);
    }
    tree = calloc(1, PARTIAL_BYTES);
    if (tree == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "device tree: out of memory");
    }
    failure = fdt_create(tree, PARTIAL_BYTES);
    TRY(failure, fdt_finish_reservemap(tree));
    write_passthrough(tree, &gpio, &failure);
    TRY(failure, fdt_finish(tree));
    return hand_over(tree, failure, "cannot make the passthrough tree", blob, error);
}
