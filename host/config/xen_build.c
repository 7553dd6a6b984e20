/* SPDX-License-Identifier: MIT */
#include "config/xen_build.h"

#include "config/json_reader.h"
#include "util/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct p2p_json_range SCHEDULERS = {1, 16};

static const struct p2p_json_key KEYS[] = {
    {"schema", "what kind of file this is"},
    {"version", "the version of the file's form"},
    {"name", "the build's name, as of its folder"},
    {"xen_version", "the version that Xen's console says, such as \"4.20\""},
    {"debug", "whether it is a debug build"},
    {"schedulers", "the schedulers that are built in"},
    {"inputs_sha256", "what it was made of"},
    {"image_sha256", "what came out"},
    {NULL, NULL},
};

bool p2p_is_xen_version(const char *text)
{
    for (int part = 1; part <= 3; part++) {
        size_t digits = strspn(text, "0123456789");

        if (digits < 1 || digits > 3) {
            return false;
        }
        text += digits;
        if (*text == '\0') {
            return part >= 2;
        }
        if (*text++ != '.') {
            return false;
        }
    }
    return false;
}

static void read_build(const struct p2p_json_object *root, const char *folder_name, struct p2p_xen_build *build)
{
    const char *version = p2p_json_string(root, "xen_version");
    size_t count;

    p2p_json_name(root, "name", build->name, sizeof build->name);
    if (strcmp(build->name, folder_name) != 0) {
        p2p_json_refuse(root, "name", "\"%s\" is not the name of the folder: it was moved; make it again", build->name);
    }
    if (!p2p_is_xen_version(version)) {
        p2p_json_refuse_value(root, "xen_version", "a version such as \"4.17\" or \"4.17.4\"");
    }
    snprintf(build->version, sizeof build->version, "%s", version);
    build->debug = p2p_json_boolean_or(root, "debug", false);
    build->schedulers = p2p_json_strings(root, "schedulers", SCHEDULERS, &count);
}

enum p2p_code p2p_xen_build_load(const char *folder, const char *name, struct p2p_xen_build *build,
                                 struct p2p_error *error)
{
    char *path = p2p_format("%s/%s/xen.json", folder, name);
    struct p2p_json_file *file = NULL;
    struct p2p_json_object root;

    *build = (struct p2p_xen_build){.image = p2p_format("%s/%s/xen", folder, name)};
    if (path == NULL || build->image == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        goto out;
    }
    file = p2p_json_file_load(path, error);
    if (file != NULL) {
        root = p2p_json_root(file, "pin2pin.xen", 1, KEYS);
        read_build(&root, name, build);
    }
out:
    p2p_json_file_free(file);
    free(path);
    return error->code;
}

void p2p_xen_build_release(struct p2p_xen_build *build)
{
    free(build->image);
    p2p_json_strings_free(build->schedulers);
}
