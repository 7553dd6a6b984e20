/* SPDX-License-Identifier: MIT */
#include "board/boot_files.h"

#include "board/xen_image.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DOMAIN_MIB = 16,
    STUB_BYTES_MAX = 1 << 20,
    XEN_BYTES_MAX = 64 << 20,
};

const char *p2p_boot_guest(const struct p2p_boot_setup *setup, const struct p2p_configuration *configuration)
{
    return configuration->guest != NULL ? configuration->guest : setup->stub;
}

const char *p2p_boot_file_name(enum p2p_boot_file file)
{
    static const char *const names[P2P_BOOT_FILE_COUNT] = {
        [P2P_BOOT_XEN] = "xen",
        [P2P_BOOT_STUB] = "stub.bin",
        [P2P_BOOT_TREE] = "tree.dtb",
        [P2P_BOOT_PARTIAL] = "partial.dtb",
    };

    return names[file];
}

static char *guest_command_line(const struct p2p_pins *pins)
{
    return p2p_format("stimulus=%u answer=%u query=%u", pins->stimulus, pins->answer, pins->query);
}

/* The guest's domain, then its neighbours'; returns how many. */
static size_t list_domains(const struct p2p_boot_setup *setup, const struct p2p_configuration *configuration,
                           const struct p2p_domain *guest, struct p2p_domain domains[1 + P2P_NEIGHBOURS_MAX])
{
    domains[0] = *guest;
    for (size_t i = 0; i < configuration->neighbour_count; i++) {
        const struct p2p_neighbour *neighbour = configuration->neighbours[i];

        domains[1 + i] = (struct p2p_domain){
            .memory_mib = neighbour->memory_mib, .vcpus = neighbour->vcpus, .kernel = setup->neighbours[i]};
    }
    return 1 + configuration->neighbour_count;
}

static enum p2p_code compose_xen(const struct p2p_boot_setup *setup, const struct p2p_configuration *configuration,
                                 const char *guest_command_line, uint64_t stub_size, struct p2p_boot_files *files,
                                 struct p2p_error *error)
{
    char *xen_command_line = p2p_xen_command_line(configuration);
    struct p2p_domain guest = {
        .command_line = guest_command_line,
        .memory_mib = DOMAIN_MIB,
        .vcpus = 1,
        .kernel = {.address = setup->stub_address, .size = stub_size},
        .device_tree = {.address = setup->partial_address},
    };
    struct p2p_domain domains[1 + P2P_NEIGHBOURS_MAX];
    struct p2p_xen_chosen chosen = {
        .command_line = xen_command_line, .pool = configuration->xen->cpupool, .domains = domains};
    enum p2p_code code;

    if (xen_command_line == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    code = p2p_passthrough_tree(setup->base_tree, setup->base_tree_size, &files->file[P2P_BOOT_PARTIAL], error);
    if (code == P2P_OK) {
        guest.device_tree.size = files->file[P2P_BOOT_PARTIAL].size;
        chosen.domain_count = list_domains(setup, configuration, &guest, domains);
        code = p2p_xen_tree(setup->base_tree, setup->base_tree_size, &chosen, &files->file[P2P_BOOT_TREE], error);
    }
    free(xen_command_line);
    return code;
}

enum p2p_code p2p_boot_files_compose(const struct p2p_boot_setup *setup, const struct p2p_configuration *configuration,
                                     uint64_t stub_size, struct p2p_boot_files *files, struct p2p_error *error)
{
    char *guest = guest_command_line(setup->pins);
    enum p2p_code code;

    if (guest == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    code = configuration->xen != NULL
               ? compose_xen(setup, configuration, guest, stub_size, files, error)
               : p2p_native_tree(setup->base_tree, setup->base_tree_size, guest, &files->file[P2P_BOOT_TREE], error);
    free(guest);
    return code;
}

static enum p2p_code read_image(const char *path, size_t limit, struct p2p_blob *blob, struct p2p_error *error)
{
    char *data = NULL;
    enum p2p_code code = p2p_read_file(path, limit, &data, &blob->size, error);

    blob->data = data;
    return code;
}

enum p2p_code p2p_boot_files_make(const struct p2p_boot_setup *setup, const struct p2p_configuration *configuration,
                                  struct p2p_boot_files *files, struct p2p_error *error)
{
    const struct p2p_xen *xen = configuration->xen;
    const char *guest = p2p_boot_guest(setup, configuration);
    enum p2p_code code = read_image(guest, STUB_BYTES_MAX, &files->file[P2P_BOOT_STUB], error);

    if (code == P2P_OK && xen != NULL) {
        code = p2p_xen_image_check(xen->image, error);
    }
    if (code == P2P_OK && xen != NULL) {
        code = read_image(xen->image, XEN_BYTES_MAX, &files->file[P2P_BOOT_XEN], error);
    }
    if (code == P2P_OK) {
        code = p2p_boot_files_compose(setup, configuration, files->file[P2P_BOOT_STUB].size, files, error);
    }
    return code;
}

void p2p_boot_files_free(struct p2p_boot_files *files)
{
    for (int i = 0; i < P2P_BOOT_FILE_COUNT; i++) {
        free(files->file[i].data);
        files->file[i] = (struct p2p_blob){0};
    }
}

/* A TFTP server runs as somebody else, whatever our umask. */
static enum p2p_code write_for_all(const char *path, const struct p2p_blob *blob, struct p2p_error *error)
{
    enum p2p_code code = p2p_write_file(path, blob->data, blob->size, error);

    if (code == P2P_OK && chmod(path, 0644) != 0) {
        code = p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot make it readable", path);
    }
    return code;
}

enum p2p_code p2p_boot_files_write(const struct p2p_boot_files *files, const char *folder, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    p2p_boot_files_remove(folder);
    for (int i = 0; i < P2P_BOOT_FILE_COUNT && code == P2P_OK; i++) {
        const struct p2p_blob *blob = &files->file[i];
        char *path = blob->data == NULL ? NULL : p2p_format("%s/%s", folder, p2p_boot_file_name((enum p2p_boot_file)i));

        if (path != NULL) {
            code = write_for_all(path, blob, error);
        } else if (blob->data != NULL) {
            code = p2p_error_set(error, P2P_E_HOST, "out of memory");
        }
        free(path);
    }
    if (code != P2P_OK) {
        p2p_boot_files_remove(folder);
    }
    return code;
}

void p2p_boot_files_remove(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return;
    }
    for (int i = 0; i < P2P_BOOT_FILE_COUNT; i++) {
        unlinkat(fd, p2p_boot_file_name((enum p2p_boot_file)i), 0);
    }
    close(fd);
}
