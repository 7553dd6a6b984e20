/* SPDX-License-Identifier: MIT */
#include "store/run_folder.h"

#include "config/json_reader.h"
#include "store/budget_json.h"
#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *p2p_result_path(const char *folder)
{
    return p2p_format("%s/result.json", folder);
}

char *p2p_boot_folder(const char *folder, const char *configuration, uint32_t boot)
{
    return p2p_format("%s/%s/boot-%03" PRIu32, folder, configuration, boot);
}

enum p2p_code p2p_run_folder_create(const char *folder, struct p2p_error *error)
{
    enum p2p_code code = p2p_make_folders(folder, error);
    const struct dirent *entry;
    DIR *listing;

    if (code != P2P_OK) {
        return code;
    }
    listing = opendir(folder);
    if (listing == NULL) {
        return p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: cannot use it as a run folder", folder);
    }
    while ((entry = readdir(listing)) != NULL && code == P2P_OK) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            code = p2p_error_set(error, P2P_E_INPUT, "%s: not empty (%s is in it); a run needs a folder of its own",
                                 folder, entry->d_name);
        }
    }
    closedir(listing);
    return code;
}

static const struct p2p_json_key BOOT_KEYS[] = {
    {"schema", "\"pin2pin.boot\""},
    {"version", "1"},
    {"configuration", "its name"},
    {"boot", "its number"},
    {"confirmation", "whether it is a fresh boot of what had failed"},
    {"seed", "of its schedule"},
    {"started_at", "UTC"},
    {"wall_s", "how long it took"},
    {"complete", "whether it reached its end"},
    {"fault", "what went wrong, or null"},
    {"probe", "what it was measured with"},
    {"xen", "what Xen said of itself, or null"},
    {"stub", "the stub's READY line, or null"},
    {"counters", "what the stub counted, or null"},
    {"bench_time", "when, in bench time"},
    {"stimuli", "played"},
    {"answers", "edges on the answer channel"},
    {"tries", "power cycles until READY"},
    {"failed_try", "why the one before the last failed, or null"},
    {"schedule", "how late stimuli were, or null"},
    {"files", "which edge files belong to it"},
    {NULL, NULL},
};
static const struct p2p_json_key FILES_KEYS[] = {
    {"edges_digest", "of edges.p2p, or null"},
    {"truth_digest", "of truth.p2p, or null"},
    {NULL, NULL},
};
static const struct p2p_json_key PROBE_KEYS[] = {
    {"name", "the probe"},
    {"serial", "its board"},
    {"firmware", "what runs in it"},
    {"tick_hz", "its clock"},
    {"time_base", "of its ticks"},
    {"uncertainty_ns", "of one short latency"},
    {"budget", "what that is made of"},
    {NULL, NULL},
};

static void read_probe(const struct p2p_json_object *root, struct p2p_boot_summary *summary)
{
    struct p2p_json_object probe = p2p_json_child(root, "probe", PROBE_KEYS);

    p2p_json_name(&probe, "name", summary->probe, sizeof summary->probe);
    p2p_probe_text_read(&probe, "serial", summary->serial, sizeof summary->serial);
    p2p_probe_text_read(&probe, "firmware", summary->firmware, sizeof summary->firmware);
    p2p_budget_read(&probe, &summary->budget);
}

static void read_digest(const struct p2p_json_object *files, const char *key, struct p2p_vouched *vouched)
{
    if (!p2p_json_is_null(files, key)) {
        vouched->known = true;
        vouched->digest = (uint32_t)p2p_json_integer(files, key, (struct p2p_json_range){0, UINT32_MAX});
    }
}

/* Printable ASCII alone: it goes into result.json. */
static void copy_plain(const char *from, size_t length, char to[P2P_NAME_BYTES])
{
    snprintf(to, P2P_NAME_BYTES, "%.*s", (int)length, from);
    for (char *at = to; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            *at = '?';
        }
    }
}

/* "READY NAME VERSION KEY=VALUE ...": name and version, and the value of path. */
static void read_stub(const char *ready, struct p2p_boot_summary *summary)
{
    static const char first[] = "READY ", path[] = " path=";
    const char *key = strchr(ready, '=');
    const char *value = strstr(ready, path);
    size_t length;

    if (strncmp(ready, first, strlen(first)) != 0) {
        return;
    }
    ready += strlen(first);
    length = key == NULL ? strlen(ready) : (size_t)(key - ready);
    while (key != NULL && length > 0 && ready[length - 1] != ' ') {
        length--; /* of the first key */
    }
    copy_plain(ready, length > 0 && ready[length - 1] == ' ' ? length - 1 : length, summary->stub);
    if (value != NULL) {
        value += strlen(path);
        copy_plain(value, strcspn(value, " "), summary->stub_path);
    }
}

/* "0x" and 16 digits: 64 bits are more than a JSON number holds. */
static void read_seed(const struct p2p_json_object *root, struct p2p_boot_summary *summary)
{
    const char *text = p2p_json_string_or(root, "seed", "");
    char *end = NULL;

    if (!p2p_json_has(root, "seed")) {
        return;
    }
    summary->has_seed = true;
    summary->seed = strtoull(text, &end, 16);
    if (strlen(text) != strlen("0x0123456789abcdef") || strncmp(text, "0x", 2) != 0 || *end != '\0') {
        p2p_json_refuse_value(root, "seed", "\"0x\" and 16 hexadecimal digits");
    }
}

static void read_summary(struct p2p_json_file *file, struct p2p_boot_summary *summary)
{
    struct p2p_json_object root = p2p_json_root(file, "pin2pin.boot", 1, BOOT_KEYS);
    struct p2p_json_object files;

    p2p_json_name(&root, "configuration", summary->configuration, sizeof summary->configuration);
    summary->boot = (uint32_t)p2p_json_integer(&root, "boot", (struct p2p_json_range){1, 1010});
    read_seed(&root, summary);
    summary->has_stimuli = p2p_json_has(&root, "stimuli");
    if (summary->has_stimuli) {
        summary->stimuli = p2p_json_integer(&root, "stimuli", (struct p2p_json_range){0, P2P_JSON_INTEGER_MAX});
    }
    summary->has_xen = p2p_json_has(&root, "xen");
    summary->xen = summary->has_xen && !p2p_json_is_null(&root, "xen");
    summary->confirmation = p2p_json_boolean_or(&root, "confirmation", false);
    summary->complete = p2p_json_boolean_or(&root, "complete", false);
    if (!p2p_json_is_null(&root, "fault")) {
        snprintf(summary->fault, sizeof summary->fault, "%s", p2p_json_string(&root, "fault"));
    }
    if (summary->complete != (summary->fault[0] == '\0')) {
        p2p_json_refuse(&root, "complete", "true and a fault, or false and none: one of the two is wrong");
    }
    if (!p2p_json_is_null(&root, "probe")) {
        read_probe(&root, summary);
    } else if (summary->complete) {
        p2p_json_refuse(&root, "probe", "null, but complete: such a boot knows what measured it");
    }
    if (p2p_json_has(&root, "stub") && !p2p_json_is_null(&root, "stub")) {
        read_stub(p2p_json_string(&root, "stub"), summary);
    }
    if (p2p_json_has(&root, "files")) {
        files = p2p_json_child(&root, "files", FILES_KEYS);
        read_digest(&files, "edges_digest", &summary->edges);
        read_digest(&files, "truth_digest", &summary->truth);
    }
}

enum p2p_code p2p_check_vouched(const char *path, const struct p2p_vouched *vouched, uint32_t digest,
                                struct p2p_error *error)
{
    if (!vouched->known || vouched->digest == digest) {
        return P2P_OK;
    }
    return p2p_error_set(error, P2P_E_INPUT, "%s: not the file that boot.json was written with", path);
}

enum p2p_code p2p_boot_summary_load(const char *boot_folder, struct p2p_boot_summary *summary, bool *present,
                                    struct p2p_error *error)
{
    char *path = p2p_format("%s/boot.json", boot_folder);
    struct p2p_json_file *file = NULL;
    enum p2p_code code = P2P_OK;

    *present = false;
    *summary = (struct p2p_boot_summary){0};
    if (path == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", boot_folder);
    }
    if (access(path, F_OK) != 0) {
        goto out;
    }
    file = p2p_json_file_load(path, error);
    if (file == NULL) {
        code = p2p_failure(error);
        goto out;
    }
    read_summary(file, summary);
    code = p2p_json_file_code(file);
    *present = code == P2P_OK;
    p2p_json_file_free(file);
out:
    free(path);
    return code;
}
