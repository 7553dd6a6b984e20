/* SPDX-License-Identifier: MIT */
#include "config/plan.h"

#include "config/json_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A latency must fit the histogram's 2^32 ticks at 1 GHz, so the deadline must; the rest is of the same
 * order. */
#define TIME_NS_MAX UINT64_C(4000000000)

static const struct p2p_json_range TIME_NS = {1, TIME_NS_MAX};
static const struct p2p_json_range JITTER_NS = {0, TIME_NS_MAX};
static const struct p2p_json_range BURST_COUNT = {2, 1000000};
static const struct p2p_json_range SEED = {0, P2P_JSON_INTEGER_MAX};
static const struct p2p_json_range BOOTS = {1, 1000};
static const struct p2p_json_range SAMPLES = {1, 1000000000};
static const struct p2p_json_range WARMUP = {0, 1000000};
static const struct p2p_json_range MIN_SAMPLES = {1, UINT64_C(1000000000000)}; /* most boots by most samples */
static const struct p2p_json_range CONFIGURATIONS = {1, 256};

/* Xen keeps 1024 bytes of command line, and our own part must fit beside this. */
enum { COMMAND_LINE_BYTES_MAX = 512 };

static const struct p2p_json_key PLAN_KEYS[] = {
    {"schema", "what kind of file this is"},
    {"version", "the version of the file's form"},
    {"name", "the plan's name in reports"},
    {"bench", "the bench file to run on"},
    {"seed", "the seed of the stimuli's jitter"},
    {"boots", "how often to boot each configuration"},
    {"samples", "stimuli a boot"},
    {"warmup", "samples at the start of each boot that WARM_MAX leaves out"},
    {"stimulus", "the timing of the stimuli"},
    {"limits", "the limits of every configuration"},
    {"configurations", "what to boot and measure"},
    {"control", "the configuration that tells whether the bench is sound"},
    {NULL, NULL},
};

static const struct p2p_json_key CONTROL_KEYS[] = {
    {"configuration", "the name of one of the plan's configurations"},
    {"avg_ns", "where its mean has to be"},
    {NULL, NULL},
};

static const struct p2p_json_key BAND_KEYS[] = {
    {"min", "the least that is sound"},
    {"max", "the most that is sound"},
    {NULL, NULL},
};

static const struct p2p_json_key STIMULUS_KEYS[] = {
    {"kind", "the law that the stimuli follow"},
    {"period_ns", "mean time from one stimulus, or burst, to the next"},
    {"jitter_ns", "longest random delay of a stimulus, or burst"},
    {"width_ns", "how long the line stays high"},
    {"deadline_ns", "longest latency that counts as an answer"},
    {"gap_ns", "least time from one stimulus to the next"},
    {"burst_count", "stimuli in a burst"},
    {"burst_spacing_ns", "time from one stimulus of a burst to the next"},
    {NULL, NULL},
};

#define OF(kind) (1U << (kind))

/* Which kinds take which key of the above; the rest is for all. */
static const struct {
    const char *key;
    unsigned kinds;
} STIMULUS_KEYS_OF[] = {
    {"jitter_ns", OF(P2P_STIMULUS_PERIODIC) | OF(P2P_STIMULUS_BURST)},
    {"gap_ns", OF(P2P_STIMULUS_POISSON)},
    {"burst_count", OF(P2P_STIMULUS_BURST)},
    {"burst_spacing_ns", OF(P2P_STIMULUS_BURST)},
};

static const struct p2p_json_key LIMITS_KEYS[] = {
    {"avg_ns", "limit of the mean"},
    {"max_ns", "limit of the largest"},
    {"warm_max_ns", "limit of the largest after warm-up"},
    {"p99_ns", "limit of the 99th percentile"},
    {"min_samples", "fewest warm samples to judge by"},
    {NULL, NULL},
};

static const struct p2p_json_key CONFIGURATION_KEYS[] = {
    {"name", "the configuration's name, also of its folder in the run"},
    {"xen", "the Xen to boot, nothing for the bare board"},
    {"limits", "limits that differ from the plan's"},
    {NULL, NULL},
};

static const struct p2p_json_key XEN_KEYS[] = {
    {"image", "the path of Xen's image"},
    {"version", "the version that Xen's console must confirm, such as \"4.17\""},
    {"vwfi", "who handles the guest's WFI: Xen (trap) or the CPU (native)"},
    {"scheduler", "Xen's scheduler"},
    {"debug", "whether this is a debug build of Xen"},
    {"command_line", "more options for Xen"},
    {NULL, NULL},
};

static const char *const VWFI_NAMES[] = {[P2P_VWFI_TRAP] = "trap", [P2P_VWFI_NATIVE] = "native", NULL};
static const char *const STIMULUS_KINDS[] = {
    [P2P_STIMULUS_PERIODIC] = "periodic",
    [P2P_STIMULUS_POISSON] = "poisson",
    [P2P_STIMULUS_BURST] = "burst",
    NULL,
};
static const char *const SCHEDULERS[] = {"credit2", "credit", "null", "rtds", "arinc653", NULL};

const char *p2p_vwfi_name(enum p2p_vwfi vwfi)
{
    return VWFI_NAMES[vwfi];
}

const char *p2p_stimulus_kind_name(enum p2p_stimulus_kind kind)
{
    return STIMULUS_KINDS[kind];
}

/* `what` is the time from one stimulus to the next at the least. */
static void check_deadline(const struct p2p_json_object *object, const struct p2p_stimulus_plan *stimulus,
                           const char *what, uint64_t apart_ns)
{
    if (stimulus->deadline_ns > apart_ns) {
        p2p_json_refuse(object, "deadline_ns",
                        "%" PRIu64 " is above %s (%" PRIu64 "): the next stimulus could come before it",
                        stimulus->deadline_ns, what, apart_ns);
    }
}

static void check_periodic(const struct p2p_json_object *object, const struct p2p_stimulus_plan *stimulus)
{
    if (stimulus->jitter_ns >= stimulus->period_ns - stimulus->width_ns) {
        p2p_json_refuse(object, "jitter_ns",
                        "%" PRIu64 " is not below period_ns - width_ns (%" PRIu64 "): stimuli would overlap",
                        stimulus->jitter_ns, stimulus->period_ns - stimulus->width_ns);
        return;
    }
    check_deadline(object, stimulus, "period_ns - jitter_ns", stimulus->period_ns - stimulus->jitter_ns);
}

static void read_poisson(const struct p2p_json_object *object, struct p2p_stimulus_plan *stimulus)
{
    stimulus->gap_ns = p2p_json_integer(object, "gap_ns", TIME_NS);
    if (stimulus->gap_ns <= stimulus->width_ns) {
        p2p_json_refuse(object, "gap_ns", "%" PRIu64 " is not above width_ns (%" PRIu64 "): stimuli would overlap",
                        stimulus->gap_ns, stimulus->width_ns);
    }
    if (stimulus->gap_ns >= stimulus->period_ns) {
        p2p_json_refuse(object, "gap_ns",
                        "%" PRIu64 " is not below period_ns (%" PRIu64 "), the mean: nothing is random",
                        stimulus->gap_ns, stimulus->period_ns);
    }
    check_deadline(object, stimulus, "gap_ns", stimulus->gap_ns);
}

static void read_burst(const struct p2p_json_object *object, struct p2p_stimulus_plan *stimulus)
{
    uint64_t length_ns; /* from a burst's first rise to its last fall */

    stimulus->burst_count = (uint32_t)p2p_json_integer(object, "burst_count", BURST_COUNT);
    stimulus->burst_spacing_ns = p2p_json_integer(object, "burst_spacing_ns", TIME_NS);
    if (stimulus->burst_spacing_ns <= stimulus->width_ns) {
        p2p_json_refuse(object, "burst_spacing_ns",
                        "%" PRIu64 " is not above width_ns (%" PRIu64 "): stimuli would overlap",
                        stimulus->burst_spacing_ns, stimulus->width_ns);
        return;
    }
    check_deadline(object, stimulus, "burst_spacing_ns", stimulus->burst_spacing_ns);
    length_ns = (stimulus->burst_count - UINT64_C(1)) * stimulus->burst_spacing_ns + stimulus->width_ns;
    if (length_ns >= stimulus->period_ns) {
        p2p_json_refuse(object, "burst_count",
                        "a burst of %" PRIu32 " takes %" PRIu64 " ns, not below period_ns (%" PRIu64
                        "): make the period longer",
                        stimulus->burst_count, length_ns, stimulus->period_ns);
        return;
    }
    if (stimulus->jitter_ns >= stimulus->period_ns - length_ns) {
        p2p_json_refuse(object, "jitter_ns",
                        "%" PRIu64 " is not below what a burst leaves of period_ns (%" PRIu64 "): bursts would overlap",
                        stimulus->jitter_ns, stimulus->period_ns - length_ns);
        return;
    }
    check_deadline(object, stimulus, "the least time between two bursts",
                   stimulus->period_ns - stimulus->jitter_ns - length_ns + stimulus->width_ns);
}

/* A stimulus must be over before the earliest next one, and the latest one must have its whole deadline. */
static void read_stimulus(const struct p2p_json_object *root, struct p2p_stimulus_plan *stimulus)
{
    struct p2p_json_object object = p2p_json_child(root, "stimulus", STIMULUS_KEYS);

    stimulus->kind = (enum p2p_stimulus_kind)p2p_json_choice_or(&object, "kind", STIMULUS_KINDS, P2P_STIMULUS_PERIODIC);
    for (size_t i = 0; i < sizeof STIMULUS_KEYS_OF / sizeof STIMULUS_KEYS_OF[0]; i++) {
        if ((STIMULUS_KEYS_OF[i].kinds & OF(stimulus->kind)) == 0 && p2p_json_has(&object, STIMULUS_KEYS_OF[i].key)) {
            p2p_json_refuse(&object, STIMULUS_KEYS_OF[i].key, "a stimulus of kind \"%s\" has no use for it",
                            p2p_stimulus_kind_name(stimulus->kind));
        }
    }
    stimulus->period_ns = p2p_json_integer(&object, "period_ns", TIME_NS);
    stimulus->jitter_ns = p2p_json_integer_or(&object, "jitter_ns", JITTER_NS, 0);
    stimulus->width_ns = p2p_json_integer(&object, "width_ns", TIME_NS);
    stimulus->deadline_ns = p2p_json_integer(&object, "deadline_ns", TIME_NS);
    if (stimulus->width_ns >= stimulus->period_ns) {
        p2p_json_refuse(&object, "width_ns", "%" PRIu64 " is not below period_ns (%" PRIu64 "): make the period longer",
                        stimulus->width_ns, stimulus->period_ns);
        return;
    }
    switch (stimulus->kind) {
    case P2P_STIMULUS_PERIODIC:
        check_periodic(&object, stimulus);
        break;
    case P2P_STIMULUS_POISSON:
        read_poisson(&object, stimulus);
        break;
    case P2P_STIMULUS_BURST:
        read_burst(&object, stimulus);
        break;
    }
}

/* What the object leaves out stays as `limits` has it. */
static void read_limits(const struct p2p_json_object *parent, const struct p2p_plan *plan, struct p2p_limits *limits)
{
    struct p2p_json_object object = p2p_json_child_or_none(parent, "limits", LIMITS_KEYS);
    uint64_t warm = plan->boots * (plan->samples - plan->warmup);

    limits->avg_ns = p2p_json_integer_or(&object, "avg_ns", TIME_NS, limits->avg_ns);
    limits->max_ns = p2p_json_integer_or(&object, "max_ns", TIME_NS, limits->max_ns);
    limits->warm_max_ns = p2p_json_integer_or(&object, "warm_max_ns", TIME_NS, limits->warm_max_ns);
    limits->p99_ns = p2p_json_integer_or(&object, "p99_ns", TIME_NS, limits->p99_ns);
    limits->min_samples = p2p_json_integer_or(&object, "min_samples", MIN_SAMPLES, limits->min_samples);
    if (limits->min_samples > warm) {
        p2p_json_refuse(&object, "min_samples",
                        "%" PRIu64 " can never be reached: boots x (samples - warmup) is %" PRIu64, limits->min_samples,
                        warm);
    }
}

/* Options that are composed from other keys; here they would contradict these, or take the console away from
 * us. */
static void check_command_line(const struct p2p_json_object *xen, const char *text)
{
    static const struct {
        const char *option;
        const char *cure;
    } composed[] = {
        {"vwfi=", "use the key \"vwfi\""},
        {"sched=", "use the key \"scheduler\""},
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

/* Two or three numbers of at most three digits, joined by dots. */
static bool is_version(const char *text)
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

static void read_xen(const struct p2p_json_object *configuration, struct p2p_xen *xen)
{
    struct p2p_json_object object = p2p_json_child(configuration, "xen", XEN_KEYS);
    const char *version = p2p_json_string(&object, "version");
    const char *extra = p2p_json_string_or(&object, "command_line", "");

    if (!is_version(version)) {
        p2p_json_refuse_value(&object, "version", "a version such as \"4.17\" or \"4.17.4\"");
    }
    check_command_line(&object, extra);
    xen->image = p2p_json_path(&object, "image");
    snprintf(xen->version, sizeof xen->version, "%s", version);
    xen->vwfi = (enum p2p_vwfi)p2p_json_choice(&object, "vwfi", VWFI_NAMES);
    snprintf(xen->scheduler, sizeof xen->scheduler, "%s",
             SCHEDULERS[p2p_json_choice_or(&object, "scheduler", SCHEDULERS, 0)]);
    xen->debug = p2p_json_boolean_or(&object, "debug", false);
    xen->extra_command_line = p2p_json_copy(&object, extra);
}

static void read_configuration(const struct p2p_json_object *object, const struct p2p_plan *plan,
                               const struct p2p_limits *limits, struct p2p_configuration *configuration)
{
    p2p_json_name(object, "name", configuration->name, sizeof configuration->name);
    if (strncmp(configuration->name, "result.json", strlen("result.json")) == 0) {
        p2p_json_refuse(object, "name", "\"%s\" would be in the way of the run folder's result.json: use another",
                        configuration->name);
    }
    configuration->limits = *limits;
    read_limits(object, plan, &configuration->limits);
    if (p2p_json_has(object, "xen")) {
        configuration->xen = p2p_json_allocate(object, 1, sizeof *configuration->xen);
        if (configuration->xen != NULL) {
            read_xen(object, configuration->xen);
        }
    }
}

static void check_unique(const struct p2p_json_object *object, const struct p2p_plan *plan, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(plan->configurations[i].name, plan->configurations[index].name) == 0) {
            p2p_json_refuse(object, "name", "\"%s\" is the name of configurations[%zu], too: make it unique",
                            plan->configurations[i].name, i);
        }
    }
}

static void read_configurations(const struct p2p_json_object *root, const struct p2p_limits *limits,
                                struct p2p_plan *plan)
{
    size_t count = p2p_json_array_length(root, "configurations", CONFIGURATIONS);

    plan->configurations = p2p_json_allocate(root, count, sizeof *plan->configurations);
    plan->configuration_count = plan->configurations == NULL ? 0 : count;
    for (size_t i = 0; i < plan->configuration_count; i++) {
        struct p2p_json_object object = p2p_json_element(root, "configurations", i, CONFIGURATION_KEYS);

        read_configuration(&object, plan, limits, &plan->configurations[i]);
        check_unique(&object, plan, i);
    }
}

static void read_control(const struct p2p_json_object *root, struct p2p_plan *plan)
{
    struct p2p_json_object control, band;
    struct p2p_configuration *configuration = NULL;
    const char *name;

    if (!p2p_json_has(root, "control")) {
        return;
    }
    control = p2p_json_child(root, "control", CONTROL_KEYS);
    band = p2p_json_child(&control, "avg_ns", BAND_KEYS);
    name = p2p_json_string(&control, "configuration");
    for (size_t i = 0; i < plan->configuration_count && configuration == NULL; i++) {
        configuration = strcmp(plan->configurations[i].name, name) == 0 ? &plan->configurations[i] : NULL;
    }
    if (configuration == NULL) {
        p2p_json_refuse_value(&control, "configuration", "the name of one of the plan's configurations");
        return;
    }
    configuration->control.min_ns = p2p_json_integer(&band, "min", TIME_NS);
    configuration->control.max_ns = p2p_json_integer(&band, "max", TIME_NS);
    if (configuration->control.max_ns < configuration->control.min_ns) {
        p2p_json_refuse(&band, "max", "%" PRIu64 " is below min, %" PRIu64, configuration->control.max_ns,
                        configuration->control.min_ns);
    }
}

static void read_plan(const struct p2p_json_object *root, const char *path, struct p2p_plan *plan)
{
    struct p2p_limits limits = P2P_NO_LIMITS;

    plan->path = p2p_json_copy(root, path);
    p2p_json_name(root, "name", plan->name, sizeof plan->name);
    plan->bench_path = p2p_json_has(root, "bench") ? p2p_json_path(root, "bench") : NULL;
    plan->seed = p2p_json_integer_or(root, "seed", SEED, 1);
    plan->boots = (uint32_t)p2p_json_integer_or(root, "boots", BOOTS, 2);
    plan->samples = p2p_json_integer(root, "samples", SAMPLES);
    plan->warmup = (uint32_t)p2p_json_integer_or(root, "warmup", WARMUP, 2);
    if (plan->warmup >= plan->samples) {
        p2p_json_refuse(root, "warmup", "%" PRIu32 " leaves none of the %" PRIu64 " samples of a boot", plan->warmup,
                        plan->samples);
        return;
    }
    read_stimulus(root, &plan->stimulus);
    read_limits(root, plan, &limits);
    read_configurations(root, &limits, plan);
    read_control(root, plan);
}

struct p2p_plan *p2p_plan_load(const char *path, struct p2p_error *error)
{
    struct p2p_json_file *file = p2p_json_file_load(path, error);
    struct p2p_json_object root;
    struct p2p_plan *plan;

    if (file == NULL) {
        return NULL;
    }
    root = p2p_json_root(file, "pin2pin.plan", 1, PLAN_KEYS);
    plan = p2p_json_allocate(&root, 1, sizeof *plan);
    if (plan != NULL) {
        read_plan(&root, path, plan);
    }
    if (p2p_json_file_code(file) != P2P_OK) {
        p2p_plan_free(plan);
        plan = NULL;
    }
    p2p_json_file_free(file);
    return plan;
}

void p2p_plan_free(struct p2p_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->configuration_count; i++) {
        struct p2p_xen *xen = plan->configurations[i].xen;

        if (xen != NULL) {
            free(xen->image);
            free(xen->extra_command_line);
            free(xen);
        }
    }
    free(plan->configurations);
    free(plan->bench_path);
    free(plan->path);
    free(plan);
}
