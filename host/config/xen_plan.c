/* SPDX-License-Identifier: MIT */
#include "config/xen_plan.h"

#include "config/matrix.h"
#include "config/xen_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Xen keeps 1024 bytes of command line, and our own part must fit beside this. */
enum { COMMAND_LINE_BYTES_MAX = 512 };

/* CPU 0 is always in Pool-0, where everybody is who is not told otherwise. */
static const struct p2p_json_range POOL_LENGTH = {1, P2P_CPUS_MAX - 1};
static const struct p2p_json_range POOL_CPU = {1, P2P_CPUS_MAX - 1};

const struct p2p_json_key P2P_XEN_KEYS[] = {
    {"build", "the name of a build of Xen in the plan's \"builds\""},
    {"image", "the path of Xen's image, unless a \"build\" gives it"},
    {"version", "the version that Xen's console must confirm, such as \"4.17\""},
    {"vwfi", "who handles the guest's WFI: Xen (trap) or the CPU (native)"},
    {"scheduler", "Xen's scheduler"},
    {"debug", "whether this is a debug build of Xen"},
    {"command_line", "more options for Xen"},
    {"cpupool", "the CPUs that are kept apart for the guest"},
    {NULL, NULL},
};

static const struct p2p_json_key POOL_KEYS[] = {
    {"cpus", "the numbers of its CPUs"},
    {"scheduler", "its scheduler"},
    {NULL, NULL},
};

static const char *const VWFI_NAMES[] = {[P2P_VWFI_TRAP] = "trap", [P2P_VWFI_NATIVE] = "native", NULL};
static const char *const SCHEDULERS[] = {"credit2", "credit", "null", "rtds", "arinc653", NULL};

const char *p2p_vwfi_name(enum p2p_vwfi vwfi)
{
    return VWFI_NAMES[vwfi];
}

/* Options that are composed from other keys; here they would contradict these, or take the console away from us. */
static void check_command_line(const struct p2p_json_object *xen, const char *text)
{
    static const struct {
        const char *option;
        const char *cure;
    } composed[] = {
        {"vwfi=", "use the key \"vwfi\""},
        {"sched=", "use the key \"scheduler\""},
        {"maxcpus=", "use the configuration's key \"cpus\""},
        {"console=", "leave it out, pin2pin sets the console itself"},
        {"dtuart=", "leave it out, pin2pin sets the console itself"},
    };

    if (strlen(text) > COMMAND_LINE_BYTES_MAX) {
        p2p_json_refuse(xen, "command_line", "expected at most %d bytes, found %zu", COMMAND_LINE_BYTES_MAX,
                        strlen(text));
    }
    for (const char *at = text; *at != '\0'; at += strcspn(at, " \"")) {
        at += strspn(at, " \"");
        for (size_t i = 0; i < sizeof composed / sizeof composed[0]; i++) {
            if (strncmp(at, composed[i].option, strlen(composed[i].option)) == 0) {
                p2p_json_refuse(xen, "command_line", "may not contain %s: %s", composed[i].option, composed[i].cure);
            }
        }
    }
}

static void read_image(const struct p2p_json_object *own, struct p2p_xen *xen)
{
    const char *version = p2p_json_string(own, "version");

    if (!p2p_is_xen_version(version)) {
        p2p_json_refuse_value(own, "version", "a version such as \"4.17\" or \"4.17.4\"");
    }
    xen->image = p2p_json_path(own, "image");
    snprintf(xen->version, sizeof xen->version, "%s", version);
    xen->debug = p2p_json_boolean_or(own, "debug", false);
}

static void read_build(const struct p2p_json_object *object, const struct p2p_json_object *own, const char *folder,
                       struct p2p_xen *xen, struct p2p_xen_build *build)
{
    static const char *const given[] = {"image", "version", "debug"};
    struct p2p_error cause = {0};

    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (p2p_json_has(own, given[i])) {
            p2p_json_refuse(own, given[i], "the \"build\" says it: keep one of the two");
        }
    }
    p2p_json_name(object, "build", xen->build, sizeof xen->build);
    if (folder == NULL) {
        p2p_json_refuse(object, "build", "\"%s\" is not known: give the plan \"builds\", the folder of Xen's builds",
                        xen->build);
    }
    if (p2p_json_file_code(own->file) != P2P_OK) {
        return;
    }
    if (p2p_xen_build_load(folder, xen->build, build, &cause) == P2P_OK) {
        xen->image = p2p_json_copy(own, build->image);
        snprintf(xen->version, sizeof xen->version, "%s", build->version);
        xen->debug = build->debug;
    } else if (cause.code == P2P_E_INPUT) {
        p2p_json_refuse(object, "build", "no build \"%s\", make it first: %s", xen->build, cause.message);
    } else {
        p2p_json_fail(object, &cause);
    }
}

/* Xen takes another scheduler than one that it does not have, with a line on its console. `build`: none if by path. */
static void read_scheduler(const struct p2p_json_object *object, const struct p2p_xen_build *build,
                           char scheduler[P2P_SCHEDULER_BYTES])
{
    bool found = build->schedulers == NULL;

    snprintf(scheduler, P2P_SCHEDULER_BYTES, "%s", SCHEDULERS[p2p_json_choice_or(object, "scheduler", SCHEDULERS, 0)]);
    for (char **known = build->schedulers; !found && *known != NULL; known++) {
        found = strcmp(*known, scheduler) == 0;
    }
    if (!found) {
        p2p_json_refuse(object, "scheduler",
                        "\"%s\" is not in the build \"%s\": take another of the two, or exclude it", scheduler,
                        build->name);
    }
}

static void read_pool(const struct p2p_json_object *own, const struct p2p_xen_build *build, struct p2p_cpupool *pool)
{
    struct p2p_json_object object = p2p_json_child(own, "cpupool", POOL_KEYS);
    uint64_t cpus[P2P_CPUS_MAX] = {0};
    size_t count = p2p_json_integers(&object, "cpus", POOL_LENGTH, POOL_CPU, cpus);

    for (size_t i = 1; i < count; i++) {
        if (cpus[i] != cpus[0] + i) {
            p2p_json_refuse(&object, "cpus", "expected numbers in a row, such as [2, 3]");
        }
    }
    pool->first_cpu = (uint32_t)cpus[0];
    pool->cpu_count = (uint32_t)count;
    read_scheduler(&object, build, pool->scheduler);
}

void p2p_xen_plan_read(const struct p2p_json_object *own, const struct p2p_json_object *picked, const char *builds,
                       struct p2p_xen *xen)
{
    const struct p2p_json_object *object = p2p_matrix_or_own(picked, own, "build");
    const char *extra = p2p_json_string_or(own, "command_line", "");
    struct p2p_xen_build build = {0};

    if (p2p_json_has(object, "build")) {
        read_build(object, own, builds, xen, &build);
    } else {
        read_image(own, xen);
    }
    check_command_line(own, extra);
    xen->extra_command_line = p2p_json_copy(own, extra);
    xen->vwfi = (enum p2p_vwfi)p2p_json_choice(p2p_matrix_or_own(picked, own, "vwfi"), "vwfi", VWFI_NAMES);
    read_scheduler(p2p_matrix_or_own(picked, own, "scheduler"), &build, xen->scheduler);
    if (p2p_json_has(own, "cpupool")) {
        read_pool(own, &build, &xen->cpupool);
    }
    p2p_xen_build_release(&build);
}

void p2p_xen_plan_free(struct p2p_xen *xen)
{
    if (xen != NULL) {
        free(xen->image);
        free(xen->extra_command_line);
        free(xen);
    }
}
