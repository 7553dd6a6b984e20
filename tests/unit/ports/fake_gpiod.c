/* SPDX-License-Identifier: MIT */
#include "fake_gpiod.h"

#include <errno.h>
#include <glob.h>
#include <gpiod.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct gpiod_chip {
    struct fake_chip *fake;
};

struct gpiod_chip_info {
    const struct fake_chip *fake;
};

struct gpiod_line_info {
    const struct fake_line *fake;
};

struct gpiod_line_request {
    struct fake_chip *fake;
    unsigned int offset;
    bool active_low;
};

struct fake_gpiod fake_gpiod;

int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *paths);
void __wrap_globfree(glob_t *paths);
bool __wrap_gpiod_is_gpiochip_device(const char *path);
struct gpiod_chip *__wrap_gpiod_chip_open(const char *path);
void __wrap_gpiod_chip_close(struct gpiod_chip *chip);
struct gpiod_chip_info *__wrap_gpiod_chip_get_info(struct gpiod_chip *chip);
void __wrap_gpiod_chip_info_free(struct gpiod_chip_info *info);
const char *__wrap_gpiod_chip_info_get_name(struct gpiod_chip_info *info);
const char *__wrap_gpiod_chip_info_get_label(struct gpiod_chip_info *info);
size_t __wrap_gpiod_chip_info_get_num_lines(struct gpiod_chip_info *info);
struct gpiod_line_info *__wrap_gpiod_chip_get_line_info(struct gpiod_chip *chip, unsigned int offset);
void __wrap_gpiod_line_info_free(struct gpiod_line_info *info);
const char *__wrap_gpiod_line_info_get_name(struct gpiod_line_info *info);
const char *__wrap_gpiod_line_info_get_consumer(struct gpiod_line_info *info);
struct gpiod_line_settings *__real_gpiod_line_settings_new(void);
struct gpiod_line_settings *__wrap_gpiod_line_settings_new(void);
struct gpiod_line_config *__real_gpiod_line_config_new(void);
struct gpiod_line_config *__wrap_gpiod_line_config_new(void);
struct gpiod_request_config *__real_gpiod_request_config_new(void);
struct gpiod_request_config *__wrap_gpiod_request_config_new(void);
struct gpiod_line_request *__wrap_gpiod_chip_request_lines(struct gpiod_chip *chip, struct gpiod_request_config *who,
                                                           struct gpiod_line_config *lines);
void __wrap_gpiod_line_request_release(struct gpiod_line_request *request);
int __wrap_gpiod_line_request_set_value(struct gpiod_line_request *request, unsigned int offset,
                                        enum gpiod_line_value value);
enum gpiod_line_value __wrap_gpiod_line_request_get_value(struct gpiod_line_request *request, unsigned int offset);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_vasprintf(char **text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

/* ---- The test's side ---- */

struct fake_chip *fake_gpiod_add(const char *path, const char *name, const char *label)
{
    struct fake_chip *chip = &fake_gpiod.chips[fake_gpiod.chip_count];

    assert_true(fake_gpiod.chip_count < FAKE_CHIPS_MAX);
    fake_gpiod.chip_count++;
    *chip = (struct fake_chip){.path = path, .name = name, .label = label, .is_chip = true};
    for (size_t i = 0; i < FAKE_LINES; i++) {
        chip->lines[i].sticks = FAKE_NEVER;
    }
    return chip;
}

void fake_gpiod_reset(void)
{
    struct fake_chip *chip;

    memset(&fake_gpiod, 0, sizeof fake_gpiod);
    fake_gpiod.sets_fail_in = FAKE_NEVER;
    fake_gpiod.allocations_fail_in = FAKE_NEVER;
    chip = fake_gpiod_add("/dev/gpiochip0", "gpiochip0", "pl061");
    chip->lines[0].name = "STIMULUS";
    chip->lines[1].name = "QUERY";
}

void fake_gpiod_check_all_given_back(void)
{
    assert_int_equal(fake_gpiod.open_chips, 0);
    assert_int_equal(fake_gpiod.infos, 0);
    assert_int_equal(fake_gpiod.requests, 0);
}

/* ---- Memory ---- */

static bool memory_fails(void)
{
    if (fake_gpiod.allocations_fail_in > 0) {
        fake_gpiod.allocations_fail_in--;
    }
    errno = ENOMEM;
    return fake_gpiod.allocations_fail_in == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_fails() ? NULL : __real_calloc(count, size);
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    return memory_fails() ? -1 : __real_vasprintf(text, format, arguments);
}

struct gpiod_line_settings *__wrap_gpiod_line_settings_new(void)
{
    return memory_fails() ? NULL : __real_gpiod_line_settings_new();
}

struct gpiod_line_config *__wrap_gpiod_line_config_new(void)
{
    return memory_fails() ? NULL : __real_gpiod_line_config_new();
}

struct gpiod_request_config *__wrap_gpiod_request_config_new(void)
{
    return memory_fails() ? NULL : __real_gpiod_request_config_new();
}

/* ---- Chips ---- */

int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *paths)
{
    assert_string_equal(pattern, "/dev/gpiochip*");
    assert_int_equal(flags, 0);
    assert_true(failed == NULL);
    if (memory_fails()) {
        return GLOB_NOSPACE;
    }
    if (fake_gpiod.chip_count == 0) {
        return GLOB_NOMATCH;
    }
    paths->gl_pathv = __real_calloc(fake_gpiod.chip_count, sizeof *paths->gl_pathv);
    assert_non_null(paths->gl_pathv);
    for (size_t i = 0; i < fake_gpiod.chip_count; i++) {
        paths->gl_pathv[i] = strdup(fake_gpiod.chips[i].path);
    }
    paths->gl_pathc = fake_gpiod.chip_count;
    return 0;
}

void __wrap_globfree(glob_t *paths)
{
    for (size_t i = 0; i < paths->gl_pathc; i++) {
        free(paths->gl_pathv[i]);
    }
    free(paths->gl_pathv);
}

static struct fake_chip *chip_at(const char *path)
{
    for (size_t i = 0; i < fake_gpiod.chip_count; i++) {
        if (strcmp(fake_gpiod.chips[i].path, path) == 0) {
            return &fake_gpiod.chips[i];
        }
    }
    return NULL;
}

bool __wrap_gpiod_is_gpiochip_device(const char *path)
{
    const struct fake_chip *fake = chip_at(path);

    return fake != NULL && fake->is_chip;
}

static void *opened(size_t size, int *count)
{
    void *object = __real_calloc(1, size);

    assert_non_null(object);
    (*count)++;
    return object;
}

struct gpiod_chip *__wrap_gpiod_chip_open(const char *path)
{
    struct fake_chip *fake = chip_at(path);
    struct gpiod_chip *chip;

    if (fake == NULL || !fake->is_chip || fake->open_errno != 0) {
        errno = fake == NULL ? ENOENT : !fake->is_chip ? ENOTTY : fake->open_errno;
        return NULL;
    }
    chip = opened(sizeof *chip, &fake_gpiod.open_chips);
    chip->fake = fake;
    return chip;
}

void __wrap_gpiod_chip_close(struct gpiod_chip *chip)
{
    fake_gpiod.open_chips--;
    free(chip);
}

struct gpiod_chip_info *__wrap_gpiod_chip_get_info(struct gpiod_chip *chip)
{
    struct gpiod_chip_info *info;

    if (chip->fake->info_errno != 0) {
        errno = chip->fake->info_errno;
        return NULL;
    }
    info = opened(sizeof *info, &fake_gpiod.infos);
    info->fake = chip->fake;
    return info;
}

void __wrap_gpiod_chip_info_free(struct gpiod_chip_info *info)
{
    fake_gpiod.infos--;
    free(info);
}

const char *__wrap_gpiod_chip_info_get_name(struct gpiod_chip_info *info)
{
    return info->fake->name;
}

const char *__wrap_gpiod_chip_info_get_label(struct gpiod_chip_info *info)
{
    return info->fake->label;
}

size_t __wrap_gpiod_chip_info_get_num_lines(struct gpiod_chip_info *info)
{
    assert_non_null(info->fake);
    return FAKE_LINES;
}

struct gpiod_line_info *__wrap_gpiod_chip_get_line_info(struct gpiod_chip *chip, unsigned int offset)
{
    struct gpiod_line_info *info;

    assert_true(offset < FAKE_LINES);
    if (chip->fake->line_info_errno != 0) {
        errno = chip->fake->line_info_errno;
        return NULL;
    }
    info = opened(sizeof *info, &fake_gpiod.infos);
    info->fake = &chip->fake->lines[offset];
    return info;
}

void __wrap_gpiod_line_info_free(struct gpiod_line_info *info)
{
    fake_gpiod.infos--;
    free(info);
}

const char *__wrap_gpiod_line_info_get_name(struct gpiod_line_info *info)
{
    return info->fake->name;
}

const char *__wrap_gpiod_line_info_get_consumer(struct gpiod_line_info *info)
{
    return info->fake->consumer;
}

/* ---- Lines ---- */

static void put(struct fake_chip *chip, unsigned int offset, bool high)
{
    struct fake_line *line = &chip->lines[offset];

    if (line->high != high) {
        assert_true(fake_gpiod.change_count < FAKE_CHANGES_MAX);
        fake_gpiod.changes[fake_gpiod.change_count++] = (struct fake_change){
            .at_ns = fake_gpiod.now_ns == NULL ? 0 : fake_gpiod.now_ns(), .line = (uint8_t)offset, .high = high};
    }
    line->high = high;
}

struct gpiod_line_request *__wrap_gpiod_chip_request_lines(struct gpiod_chip *chip, struct gpiod_request_config *who,
                                                           struct gpiod_line_config *lines)
{
    struct gpiod_line_settings *settings;
    struct gpiod_line_request *request;
    unsigned int offset;

    assert_string_equal(gpiod_request_config_get_consumer(who), "pin2pin");
    assert_int_equal(gpiod_line_config_get_num_configured_offsets(lines), 1);
    assert_int_equal(gpiod_line_config_get_configured_offsets(lines, &offset, 1), 1);
    assert_true(offset < FAKE_LINES);
    if (fake_gpiod.request_errno != 0 || chip->fake->lines[offset].held) {
        errno = fake_gpiod.request_errno != 0 ? fake_gpiod.request_errno : EBUSY;
        return NULL;
    }
    settings = gpiod_line_config_get_line_settings(lines, offset);
    assert_non_null(settings);
    assert_int_equal(gpiod_line_settings_get_direction(settings), GPIOD_LINE_DIRECTION_OUTPUT);
    request = opened(sizeof *request, &fake_gpiod.requests);
    request->fake = chip->fake;
    request->offset = offset;
    request->active_low = gpiod_line_settings_get_active_low(settings);
    chip->fake->lines[offset].held = true;
    chip->fake->lines[offset].consumer = "pin2pin";
    put(chip->fake, offset,
        (gpiod_line_settings_get_output_value(settings) == GPIOD_LINE_VALUE_ACTIVE) != request->active_low);
    gpiod_line_settings_free(settings);
    return request;
}

void __wrap_gpiod_line_request_release(struct gpiod_line_request *request)
{
    request->fake->lines[request->offset].held = false;
    request->fake->lines[request->offset].consumer = NULL;
    fake_gpiod.requests--;
    free(request);
}

int __wrap_gpiod_line_request_set_value(struct gpiod_line_request *request, unsigned int offset,
                                        enum gpiod_line_value value)
{
    assert_int_equal(offset, request->offset);
    if (fake_gpiod.sets_fail_in > 0 && --fake_gpiod.sets_fail_in == 0) {
        errno = EIO;
        return -1;
    }
    put(request->fake, offset, (value == GPIOD_LINE_VALUE_ACTIVE) != request->active_low);
    return 0;
}

enum gpiod_line_value __wrap_gpiod_line_request_get_value(struct gpiod_line_request *request, unsigned int offset)
{
    const struct fake_line *line = &request->fake->lines[offset];
    bool high = line->sticks == FAKE_NEVER ? line->high : line->sticks == 1;

    assert_int_equal(offset, request->offset);
    if (fake_gpiod.read_errno != 0) {
        errno = fake_gpiod.read_errno;
        return GPIOD_LINE_VALUE_ERROR;
    }
    return high != request->active_low ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
}
