/* SPDX-License-Identifier: MIT */
#include "ports/gpiod_line.h"

#include "util/file.h"

#include <errno.h>
#include <glob.h>
#include <gpiod.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 512, PATH_BYTES = 128 };

struct p2p_gpiod_line {
    struct gpiod_line_request *request;
    unsigned int offset;
    char *name; /* for messages, with its place in the bench file */
};

/* ---- Messages ---- */

/* "a, b, c", for people: what does not fit is left out. */
struct list {
    char text[LIST_BYTES];
    size_t used;
};

static void add(struct list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct list *list, const char *format, ...)
{
    char item[LIST_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(item, sizeof item, format, arguments);
    va_end(arguments);
    if (list->used + strlen(item) + sizeof ", ..." <= sizeof list->text) {
        list->used += (size_t)snprintf(list->text + list->used, sizeof list->text - list->used, "%s%s",
                                       list->used > 0 ? ", " : "", item);
    } else if (list->used + sizeof ", ..." <= sizeof list->text) {
        snprintf(list->text + list->used, sizeof list->text - list->used, ", ...");
        list->used = sizeof list->text; /* full */
    }
}

static enum p2p_code cannot_open(const struct p2p_line_plan *plan, const char *path, int errno_value,
                                 struct p2p_error *error)
{
    switch (errno_value) {
    case EACCES:
    case EPERM:
        return p2p_error_set_errno(error, P2P_E_BENCH, errno_value,
                                   "%s: cannot open %s: join its group and log in again; if it has none (see `ls -l "
                                   "%s`), add the udev rule SUBSYSTEM==\"gpio\", GROUP=\"gpio\", MODE=\"0660\"",
                                   plan->place, path, path);
    case ENOENT:
        return p2p_error_set(error, P2P_E_BENCH, "%s: there is no %s: see `gpiodetect`", plan->place, path);
    case ENOTTY:
    case ENODEV:
        return p2p_error_set(error, P2P_E_BENCH, "%s: %s is not a GPIO chip: see `gpiodetect`", plan->place, path);
    default:
        return p2p_error_set_errno(error, P2P_E_BENCH, errno_value, "%s: cannot open %s", plan->place, path);
    }
}

/* ---- The chip ---- */

struct search {
    const char *wanted;
    struct gpiod_chip *chip; /* the first match */
    size_t matches;
    struct list matching, all;
    char closed_path[PATH_BYTES]; /* the first that could not be looked at, and why */
    int closed_errno;
};

static void look_at(struct search *search, const char *path)
{
    struct gpiod_chip *chip = gpiod_chip_open(path);
    struct gpiod_chip_info *info = chip == NULL ? NULL : gpiod_chip_get_info(chip);
    const char *name, *label;

    if (info == NULL) {
        if (search->closed_errno == 0) {
            search->closed_errno = errno;
            snprintf(search->closed_path, sizeof search->closed_path, "%s", path);
        }
        if (chip != NULL) {
            gpiod_chip_close(chip);
        }
        return;
    }
    name = gpiod_chip_info_get_name(info);
    label = gpiod_chip_info_get_label(info);
    add(&search->all, "%s \"%s\" (%zu lines)", name, label, gpiod_chip_info_get_num_lines(info));
    if (strcmp(name, search->wanted) == 0 || strcmp(label, search->wanted) == 0) {
        search->matches++;
        add(&search->matching, "%s", name);
    } else {
        gpiod_chip_close(chip);
        chip = NULL;
    }
    gpiod_chip_info_free(info);
    if (chip != NULL && search->chip == NULL) {
        search->chip = chip;
    } else if (chip != NULL) {
        gpiod_chip_close(chip);
    }
}

static enum p2p_code judge_search(const struct p2p_line_plan *plan, const struct search *search,
                                  struct p2p_error *error)
{
    if (search->matches == 1) {
        return P2P_OK;
    }
    if (search->matches > 1) {
        return p2p_error_set(error, P2P_E_BENCH, "%s: several GPIO chips are called \"%s\": %s; use one's name or path",
                             plan->place, plan->chip, search->matching.text);
    }
    if (search->closed_errno != 0) {
        return cannot_open(plan, search->closed_path, search->closed_errno, error);
    }
    if (search->all.used == 0) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "%s: no GPIO chip \"%s\", nor any other in /dev: plug it in, or load its driver",
                             plan->place, plan->chip);
    }
    return p2p_error_set(error, P2P_E_BENCH, "%s: no GPIO chip \"%s\"; there are: %s", plan->place, plan->chip,
                         search->all.text);
}

static enum p2p_code find_chip(const struct p2p_line_plan *plan, struct gpiod_chip **chip, struct p2p_error *error)
{
    struct search search = {.wanted = plan->chip};
    glob_t paths = {0};
    enum p2p_code code;

    if (glob("/dev/gpiochip*", 0, NULL, &paths) == GLOB_NOSPACE) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", plan->place);
    }
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        if (gpiod_is_gpiochip_device(paths.gl_pathv[i])) {
            look_at(&search, paths.gl_pathv[i]);
        }
    }
    globfree(&paths);
    code = judge_search(plan, &search, error);
    if (code == P2P_OK) {
        *chip = search.chip;
    } else if (search.chip != NULL) {
        gpiod_chip_close(search.chip);
    }
    return code;
}

static enum p2p_code open_chip(const struct p2p_line_plan *plan, struct gpiod_chip **chip, struct p2p_error *error)
{
    if (plan->chip[0] != '/') {
        return find_chip(plan, chip, error);
    }
    *chip = gpiod_chip_open(plan->chip);
    return *chip != NULL ? P2P_OK : cannot_open(plan, plan->chip, errno, error);
}

/* ---- The line ---- */

static enum p2p_code unreadable(const struct p2p_line_plan *plan, struct p2p_error *error)
{
    return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot read what lines GPIO chip \"%s\" has",
                               plan->place, plan->chip);
}

/* Names need not be unique, not even within a chip. */
static enum p2p_code find_line_by_name(const struct p2p_line_plan *plan, struct gpiod_chip *chip, size_t line_count,
                                       unsigned int *offset, struct p2p_error *error)
{
    struct list named = {.used = 0}, matching = {.used = 0};
    size_t matches = 0;

    for (unsigned int i = 0; i < line_count; i++) {
        struct gpiod_line_info *info = gpiod_chip_get_line_info(chip, i);
        const char *name = info == NULL ? NULL : gpiod_line_info_get_name(info);

        if (info == NULL) {
            return unreadable(plan, error);
        }
        if (name != NULL) {
            add(&named, "%s", name);
        }
        if (name != NULL && strcmp(name, plan->line) == 0) {
            matches++;
            *offset = i;
            add(&matching, "%u", i);
        }
        gpiod_line_info_free(info);
    }
    if (matches > 1) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "%s: GPIO chip \"%s\" has several lines \"%s\": use one of the offsets %s", plan->place,
                             plan->chip, plan->line, matching.text);
    }
    if (matches == 0) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: GPIO chip \"%s\" has no line \"%s\"; %s%s", plan->place,
                             plan->chip, plan->line, named.used > 0 ? "its named lines are: " : "none has a name",
                             named.text);
    }
    return P2P_OK;
}

static enum p2p_code find_line(const struct p2p_line_plan *plan, struct gpiod_chip *chip, unsigned int *offset,
                               struct p2p_error *error)
{
    struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
    size_t line_count = info == NULL ? 0 : gpiod_chip_info_get_num_lines(info);

    if (info == NULL) {
        return unreadable(plan, error);
    }
    gpiod_chip_info_free(info);
    if (plan->line != NULL) {
        return find_line_by_name(plan, chip, line_count, offset, error);
    }
    *offset = plan->offset;
    return plan->offset < line_count
               ? P2P_OK
               : p2p_error_set(error, P2P_E_INPUT, "%s: GPIO chip \"%s\" has no line %u, only %zu lines from 0 on",
                               plan->place, plan->chip, plan->offset, line_count);
}

/* The kernel says only that the line is busy; who holds it stands in the line's info. */
static enum p2p_code cannot_request(const struct p2p_gpiod_line *line, struct gpiod_chip *chip, int errno_value,
                                    struct p2p_error *error)
{
    struct gpiod_line_info *info;
    const char *consumer;

    if (errno_value != EBUSY) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno_value, "%s: cannot take it as an output", line->name);
    }
    info = gpiod_chip_get_line_info(chip, line->offset);
    consumer = info == NULL ? NULL : gpiod_line_info_get_consumer(info);
    p2p_error_set(error, P2P_E_BENCH, "%s: busy: held by \"%s\" (see `gpioinfo`)", line->name,
                  consumer == NULL ? "?" : consumer);
    if (info != NULL) {
        gpiod_line_info_free(info);
    }
    return P2P_E_BENCH;
}

static enum gpiod_line_value value_of(bool active)
{
    return active ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
}

static enum p2p_code request(struct p2p_gpiod_line *line, const struct p2p_line_plan *plan, struct gpiod_chip *chip,
                             struct p2p_error *error)
{
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    struct gpiod_line_config *lines = gpiod_line_config_new();
    struct gpiod_request_config *who = gpiod_request_config_new();
    enum p2p_code code = P2P_OK;

    if (settings == NULL || lines == NULL || who == NULL) {
        code = p2p_error_set(error, P2P_E_HOST, "%s: out of memory", line->name);
        goto out;
    }
    gpiod_line_settings_set_active_low(settings, plan->active_low);
    gpiod_request_config_set_consumer(who, "pin2pin");
    if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) != 0 ||
        gpiod_line_settings_set_output_value(settings, GPIOD_LINE_VALUE_INACTIVE) != 0 ||
        gpiod_line_config_add_line_settings(lines, &line->offset, 1, settings) != 0) {
        code = p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot describe it to libgpiod", line->name);
        goto out;
    }
    line->request = gpiod_chip_request_lines(chip, who, lines);
    if (line->request == NULL) {
        code = cannot_request(line, chip, errno, error);
    }
out:
    gpiod_request_config_free(who);
    gpiod_line_config_free(lines);
    gpiod_line_settings_free(settings);
    return code;
}

static enum p2p_code take(struct p2p_gpiod_line *line, const struct p2p_line_plan *plan, struct gpiod_chip *chip,
                          struct p2p_error *error)
{
    enum p2p_code code = find_line(plan, chip, &line->offset, error);

    if (code != P2P_OK) {
        return code;
    }
    line->name = plan->line == NULL
                     ? p2p_format("%s: line %u of GPIO chip \"%s\"", plan->place, line->offset, plan->chip)
                     : p2p_format("%s: line \"%s\" of GPIO chip \"%s\"", plan->place, plan->line, plan->chip);
    if (line->name == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", plan->place);
    }
    return request(line, plan, chip, error);
}

struct p2p_gpiod_line *p2p_gpiod_line_open(const struct p2p_line_plan *plan, struct p2p_error *error)
{
    struct p2p_gpiod_line *line = calloc(1, sizeof *line);
    struct gpiod_chip *chip = NULL;
    enum p2p_code code;

    if (line == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", plan->place);
        return NULL;
    }
    code = open_chip(plan, &chip, error);
    if (code == P2P_OK) {
        code = take(line, plan, chip, error);
        gpiod_chip_close(chip); /* the request lives without it */
    }
    if (code != P2P_OK) {
        p2p_gpiod_line_close(line);
        line = NULL;
    }
    return line;
}

struct p2p_line_plan p2p_line_plan_of(const struct p2p_lab_line *line, const char *path, const char *key,
                                      char place[P2P_PLACE_BYTES])
{
    snprintf(place, P2P_PLACE_BYTES, "%s: $.%s", path, key);
    return (struct p2p_line_plan){
        .place = place, .chip = line->chip, .line = line->line, .offset = line->offset, .active_low = line->active_low};
}

void p2p_gpiod_line_close(struct p2p_gpiod_line *line)
{
    struct p2p_error ignored = {0};

    if (line == NULL) {
        return;
    }
    if (line->request != NULL) {
        p2p_gpiod_line_set(line, false, &ignored);
        gpiod_line_request_release(line->request);
    }
    free(line->name);
    free(line);
}

enum p2p_code p2p_gpiod_line_set(const struct p2p_gpiod_line *line, bool active, struct p2p_error *error)
{
    if (gpiod_line_request_set_value(line->request, line->offset, value_of(active)) == 0) {
        return P2P_OK;
    }
    return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot drive it %s", line->name,
                               active ? "active" : "inactive");
}

enum p2p_code p2p_gpiod_line_check(const struct p2p_gpiod_line *line, bool active, struct p2p_error *error)
{
    enum gpiod_line_value found = gpiod_line_request_get_value(line->request, line->offset);

    if (found == GPIOD_LINE_VALUE_ERROR) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot read it back", line->name);
    }
    if (found != value_of(active)) {
        return p2p_error_set(error, P2P_E_BENCH, "%s: stuck: driven %s, it reads back %s", line->name,
                             active ? "active" : "inactive", active ? "inactive" : "active");
    }
    return P2P_OK;
}
