/* SPDX-License-Identifier: MIT */
/*
 * Any tree from QEMU: composing either fails by its error, or what comes out is a tree that libfdt finds whole. Input:
 * one byte, how many changes of three bytes follow (where, two bytes; new value); then steps that build a tree, each of
 * one byte and what it needs.
 */
#include "board/device_tree.h"

#include <libfdt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BASE_BYTES = 8192, CHANGE_BYTES = 3, CHANGES_MAX = 8 };

struct input {
    const uint8_t *at;
    size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static uint8_t take(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static void add_property(void *base, struct input *input)
{
    static const char *const names[] = {"compatible", "reg", "interrupts", "serial0", "phandle", "stdout-path"};
    static const char gpio[] = "arm,pl061";
    const char *name = names[take(input) % 6];
    size_t length = take(input);

    if (length == 0) {
        fdt_property(base, name, gpio, sizeof gpio);
    } else {
        length = length < input->left ? length : input->left;
        fdt_property(base, name, input->at, (int)length);
        input->at += length;
        input->left -= length;
    }
}

/* Steps that make no sense here fail, and leave the tree as it was. */
static void build(void *base, struct input *input)
{
    static const char *const names[] = {"pl061@9030000", "pl061", "aliases", "chosen", "flash@0", "a", "x/y", ""};
    int depth = 1;

    fdt_create(base, BASE_BYTES);
    fdt_finish_reservemap(base);
    fdt_begin_node(base, "");
    while (input->left > 0) {
        switch (take(input) % 4) {
        case 0:
            depth += fdt_begin_node(base, names[take(input) % 8]) == 0;
            break;
        case 1:
            depth -= depth > 1 && fdt_end_node(base) == 0;
            break;
        default:
            add_property(base, input);
            break;
        }
    }
    while (depth-- > 0) {
        fdt_end_node(base);
    }
    fdt_finish(base);
}

static void check(enum p2p_code code, struct p2p_blob *tree, const struct p2p_error *error)
{
    require(error->code == code);
    if (code == P2P_OK) {
        require(fdt_check_full(tree->data, tree->size) == 0 && fdt_totalsize(tree->data) == tree->size);
        free(tree->data);
    } else {
        require(tree->data == NULL && error->message[0] != '\0');
    }
    *tree = (struct p2p_blob){0};
}

static void compose_all(const void *base, size_t size)
{
    static const struct p2p_domain domains[] = {
        {.command_line = "stimulus=0",
         .memory_mib = 16,
         .vcpus = 1,
         .kernel = {.address = 0x50000000, .size = 4096},
         .device_tree = {.address = 0x50100000, .size = 700}},
        {.memory_mib = 16, .vcpus = 1, .kernel = {.address = 0x51000000, .size = 84}},
    };
    static const struct p2p_xen_chosen chosen = {.command_line = "sched=null",
                                                 .pool = {.first_cpu = 1, .cpu_count = 1, .scheduler = "null"},
                                                 .domains = domains,
                                                 .domain_count = 2};
    static const struct p2p_xen_chosen no_pool = {.command_line = "", .domains = domains, .domain_count = 2};
    struct p2p_error native = {0}, xen = {0}, pooled = {0}, partial = {0};
    struct p2p_blob tree = {0};

    check(p2p_native_tree(base, size, "stimulus=0", &tree, &native), &tree, &native);
    check(p2p_xen_tree(base, size, &no_pool, &tree, &xen), &tree, &xen);
    check(p2p_xen_tree(base, size, &chosen, &tree, &pooled), &tree, &pooled);
    check(p2p_passthrough_tree(base, size, &tree, &partial), &tree, &partial);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.at = data, .left = size};
    size_t changes = take(&input) % (CHANGES_MAX + 1), base_size;
    const uint8_t *change = input.at;
    uint8_t *base, *exact;

    if (input.left < changes * CHANGE_BYTES) {
        return 0;
    }
    input.at += changes * CHANGE_BYTES;
    input.left -= changes * CHANGE_BYTES;
    base = calloc(1, BASE_BYTES);
    require(base != NULL);
    build(base, &input);
    base_size = fdt_totalsize(base) < BASE_BYTES ? fdt_totalsize(base) : BASE_BYTES;
    for (size_t i = 0; i < changes; i++, change += CHANGE_BYTES) {
        base[(change[0] | (size_t)change[1] << 8) % base_size] = change[2];
    }
    /* Of exactly its size: reading beyond it meets the sanitizer. */
    exact = malloc(base_size);
    require(exact != NULL);
    memcpy(exact, base, base_size);
    free(base);
    compose_all(exact, base_size);
    free(exact);
    return 0;
}
