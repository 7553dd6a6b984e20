/* SPDX-License-Identifier: MIT */
#include "store/baseline.h"

#include "store/judging.h"
#include "util/file.h"
#include "util/name.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 28, LISTED_BYTES = 512 };

static const char SUFFIX[] = ".json";

char *p2p_baseline_folder(const char *chosen, struct p2p_error *error)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    char *folder;

    if (chosen != NULL) {
        folder = p2p_format("%s", chosen);
    } else if (data != NULL && data[0] == '/') { /* a relative one is to be ignored, says the XDG specification */
        folder = p2p_format("%s/pin2pin/baselines", data);
    } else if (home != NULL && home[0] != '\0') {
        folder = p2p_format("%s/.local/share/pin2pin/baselines", home);
    } else {
        p2p_error_set(error, P2P_E_INPUT, "there is no folder for baselines: neither XDG_DATA_HOME nor HOME is set");
        return NULL;
    }
    if (folder == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    return folder;
}

/* free() it. NULL: not a name, or out of memory; see `error`. */
static char *path_of(const char *folder, const char *name, struct p2p_error *error)
{
    char *path;

    if (!p2p_is_name(name, P2P_NAME_BYTES)) {
        p2p_error_set(error, P2P_E_INPUT,
                      "\"%s\" cannot name a baseline: at most %d of a-z 0-9 . _ -, the first of a-z 0-9", name,
                      P2P_NAME_BYTES - 1);
        return NULL;
    }
    path = p2p_format("%s/%s%s", folder, name, SUFFIX);
    if (path == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    return path;
}

/* ---- Names ---- */

static int is_baseline(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);
    char name[P2P_NAME_BYTES];

    if (length <= suffix || length - suffix >= sizeof name || strcmp(entry->d_name + length - suffix, SUFFIX) != 0) {
        return 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)(length - suffix), entry->d_name);
    return p2p_is_name(name, sizeof name);
}

/* In bytes, not in the user's locale: the same everywhere. */
static int by_bytes(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

char **p2p_baseline_list(const char *folder, size_t *count, struct p2p_error *error)
{
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, is_baseline, by_bytes);
    bool whole = true;
    char **names;

    *count = 0;
    if (found < 0 && errno != ENOENT) {
        p2p_error_set_errno(error, errno == ENOMEM ? P2P_E_HOST : P2P_E_INPUT, errno, "%s: cannot list it", folder);
        return NULL;
    }
    names = calloc(found < 0 ? 1 : (size_t)found + 1, sizeof *names);
    for (int i = 0; i < found; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - strlen(SUFFIX)] = '\0';
        if (names != NULL && whole) {
            names[i] = strdup(entries[i]->d_name);
            whole = names[i] != NULL;
            *count += whole;
        }
        free(entries[i]);
    }
    free(entries);
    if (names == NULL || !whole) {
        p2p_baseline_names_free(names);
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder);
        return NULL;
    }
    return names;
}

void p2p_baseline_names_free(char **names)
{
    for (char **name = names; name != NULL && *name != NULL; name++) {
        free(*name);
    }
    free(names);
}

/* "a, b and more": for a message. */
static void list_names(const char *folder, char text[LISTED_BYTES])
{
    struct p2p_error ignored = {0};
    size_t count = 0, used = 0;
    char **names = p2p_baseline_list(folder, &count, &ignored);

    snprintf(text, LISTED_BYTES, "none");
    for (size_t i = 0; names != NULL && i < count && used < LISTED_BYTES; i++) {
        used += (size_t)snprintf(text + used, LISTED_BYTES - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    p2p_baseline_names_free(names);
}

static enum p2p_code no_such_baseline(const char *folder, const char *name, struct p2p_error *error)
{
    char names[LISTED_BYTES];

    list_names(folder, names);
    return p2p_error_set(error, P2P_E_INPUT, "there is no baseline %s in %s; there are: %s", name, folder, names);
}

/* ---- One baseline ---- */

static struct p2p_result *load_by(struct p2p_result *(*load)(const char *path, struct p2p_error *error),
                                  const char *folder, const char *name, struct p2p_error *error)
{
    char *path = path_of(folder, name, error);
    struct p2p_result *result = NULL;

    if (path == NULL) {
        return NULL;
    }
    if (access(path, F_OK) != 0) {
        no_such_baseline(folder, name, error);
    } else {
        result = load(path, error);
    }
    free(path);
    return result;
}

struct p2p_result *p2p_baseline_load(const char *folder, const char *name, struct p2p_error *error)
{
    return load_by(p2p_result_load, folder, name, error);
}

enum p2p_code p2p_baseline_drop(const char *folder, const char *name, struct p2p_error *error)
{
    char *path = path_of(folder, name, error);
    enum p2p_code code = P2P_OK;

    if (path == NULL) {
        return p2p_failure(error);
    }
    if (unlink(path) != 0) {
        code = errno == ENOENT ? no_such_baseline(folder, name, error)
                               : p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot remove it", path);
    }
    free(path);
    return code;
}

/*
 * A release is held against figures that can be trusted, and that are all there; FAIL is a fact like any other. The
 * file may have been edited: it is judged again, as the gate does. NULL: see `error`.
 */
static struct p2p_result *load_sound(const char *path, struct p2p_error *error)
{
    struct p2p_result *result = p2p_result_load(path, error);

    if (result == NULL) {
        return NULL;
    }
    if (!p2p_result_judge_again(result)) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
    } else if (!result->complete || result->judgement.verdict == P2P_VERDICT_BENCH_FAULT) {
        p2p_error_set(error, P2P_E_INPUT, "%s: cannot be a baseline, for its run is %s", path,
                      result->complete ? "a BENCH FAULT" : "incomplete");
    } else {
        return result;
    }
    p2p_result_free(result);
    return NULL;
}

enum p2p_code p2p_baseline_pin(const char *folder, const char *name, const char *result_path, struct p2p_error *error)
{
    char *path = path_of(folder, name, error);
    struct p2p_result *sound;
    char *data = NULL;
    size_t size = 0;
    enum p2p_code code;

    if (path == NULL) {
        return p2p_failure(error);
    }
    sound = load_sound(result_path, error);
    code = sound == NULL ? p2p_failure(error) : P2P_OK;
    p2p_result_free(sound);
    if (code == P2P_OK && access(path, F_OK) == 0) {
        code = p2p_error_set(error, P2P_E_INPUT,
                             "%s: there is a baseline of this name; a pinned one does not move: drop it first", path);
    }
    if (code == P2P_OK) {
        code = p2p_read_file(result_path, FILE_BYTES_MAX, &data, &size, error);
    }
    if (code == P2P_OK) {
        code = p2p_make_folders(folder, error);
    }
    if (code == P2P_OK) {
        code = p2p_write_file(path, data, size, error);
    }
    free(data);
    free(path);
    return code;
}

/* ---- What a run is held against ---- */

static bool is_attached(const struct p2p_result *result, const struct p2p_relative_limit *limit)
{
    for (size_t i = 0; i < result->reference_count; i++) {
        if (strcmp(result->references[i].baseline, limit->baseline) == 0 &&
            strcmp(result->references[i].configuration, limit->of) == 0) {
            return true;
        }
    }
    return false;
}

static enum p2p_code copy_reference(const struct p2p_result *pinned, const struct p2p_result_configuration *from,
                                    const struct p2p_relative_limit *limit, struct p2p_reference *to,
                                    struct p2p_error *error)
{
    size_t bytes = from->boot_figure_count * sizeof *to->boot_figures;

    *to = (struct p2p_reference){.time_base = pinned->time_base, .tick_hz = pinned->tick_hz};
    to->boot_figures = malloc(bytes > 0 ? bytes : 1);
    if (to->boot_figures == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    memcpy(to->boot_figures, from->boot_figures, bytes);
    to->boot_figure_count = from->boot_figure_count;
    snprintf(to->baseline, sizeof to->baseline, "%s", limit->baseline);
    snprintf(to->configuration, sizeof to->configuration, "%s", limit->of);
    snprintf(to->wiring, sizeof to->wiring, "%s", pinned->wiring);
    snprintf(to->probe, sizeof to->probe, "%s", pinned->probe);
    snprintf(to->stub, sizeof to->stub, "%s", from->stub);
    snprintf(to->stub_path, sizeof to->stub_path, "%s", from->stub_path);
    return P2P_OK;
}

static enum p2p_code attach(struct p2p_result *result, const struct p2p_relative_limit *limit, const char *folder,
                            struct p2p_error *error)
{
    struct p2p_result *pinned = load_by(load_sound, folder, limit->baseline, error);
    const struct p2p_result_configuration *from = NULL;
    struct p2p_reference *grown;
    enum p2p_code code;

    if (pinned == NULL) {
        return p2p_failure(error);
    }
    from = p2p_result_find(pinned, limit->of);
    if (from == NULL || from->boot_figure_count == 0) {
        code = p2p_error_set(error, P2P_E_INPUT, "baseline %s in %s has no figures of boots of %s", limit->baseline,
                             folder, limit->of);
        goto out;
    }
    grown = realloc(result->references, (result->reference_count + 1) * sizeof *grown);
    if (grown == NULL) {
        code = p2p_error_set(error, P2P_E_HOST, "out of memory");
        goto out;
    }
    result->references = grown;
    code = copy_reference(pinned, from, limit, &grown[result->reference_count], error);
    result->reference_count += code == P2P_OK;
out:
    p2p_result_free(pinned);
    return code;
}

static enum p2p_code attach_all(struct p2p_result *result, const struct p2p_limits *limits, const char *chosen,
                                struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    for (size_t i = 0; i < limits->relative_count && code == P2P_OK; i++) {
        const struct p2p_relative_limit *limit = &limits->relative[i];

        if (limit->baseline[0] != '\0' && !is_attached(result, limit)) {
            char *folder = p2p_baseline_folder(chosen, error);

            code = folder == NULL ? p2p_failure(error) : attach(result, limit, folder, error);
            free(folder);
        }
    }
    return code;
}

enum p2p_code p2p_baseline_attach(struct p2p_result *result, const char *chosen, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    for (size_t i = 0; i < result->configuration_count && code == P2P_OK; i++) {
        code = attach_all(result, &result->configurations[i].limits, chosen, error);
    }
    return code;
}
