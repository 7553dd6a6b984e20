/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct p2p_verb VERBS[] = {
    {"run", "PLAN", "measure a plan's configurations on a bench", "oBOsbSE", p2p_verb_run},
    {"check", "FILE", "validate a plan, a bench or a result", "", p2p_verb_check},
    {"gate", "RESULT", "give a result's verdict as exit code", "E", p2p_verb_gate},
    {"report", "RUN", "make a report again from a run folder", "F", p2p_verb_report},
};

enum { VERB_COUNT = sizeof VERBS / sizeof VERBS[0] };

struct option_row {
    char letter; /* getopt's value */
    bool has_short;
    const char *name;
    const char *value; /* NULL: takes none */
    const char *summary;
};

static const struct option_row OPTIONS[] = {
    {'o', true, NULL, "DIR", "the run folder; made, must be empty (default: runs/PLAN-DATE)"},
    {'B', false, "bench", "FILE", "the bench, instead of the plan's"},
    {'O', false, "only", "CONFIGURATION", "only this configuration of the plan"},
    {'s', false, "samples", "N", "stimuli a boot, instead of the plan's"},
    {'b', false, "boots", "N", "boots of each configuration, instead of the plan's"},
    {'S', false, "seed", "N", "seed of the stimuli, instead of the plan's"},
    {'F', false, "format", "text|json", "what to make (default: text)"},
    {'E', false, "exit-code", "bisect", "for `git bisect run`: 125 instead of 3 and 4"},
    {'J', false, "json", NULL, "the machine's answer on stdout"},
    {'v', true, "verbose", NULL, "more on stderr"},
    {'q', true, "quiet", NULL, "nothing on stderr but errors"},
    {'h', true, "help", NULL, "this help"},
};

enum { OPTION_COUNT = sizeof OPTIONS / sizeof OPTIONS[0] };

/* The options whose value is a number. */
struct number_range {
    char letter;
    uint64_t min, max;
};

static const struct number_range NUMBERS[] = {{'s', 1, 1000000000}, {'b', 1, 1000}, {'S', 0, (UINT64_C(1) << 53) - 1}};

enum { NUMBER_COUNT = sizeof NUMBERS / sizeof NUMBERS[0] };

static const char COMMON_OPTIONS[] = "Jvqh";

static bool verb_takes(const struct p2p_verb *verb, char letter)
{
    return strchr(COMMON_OPTIONS, letter) != NULL || strchr(verb->options, letter) != NULL;
}

static void print_option(const struct option_row *row)
{
    const char *separator = !row->has_short ? "  " : row->name != NULL ? ", " : "";
    char text[64];

    snprintf(text, sizeof text, "%c%c%s%s%s%s%s", row->has_short ? '-' : ' ', row->has_short ? row->letter : ' ',
             separator, row->name != NULL ? "--" : "", row->name != NULL ? row->name : "",
             row->value != NULL ? " " : "", row->value != NULL ? row->value : "");
    printf("  %-28s %s\n", text, row->summary);
}

static int help(void)
{
    printf("pin2pin " P2P_VERSION ": interrupt latency of Xen on ARM, from pin to pin\n\n"
           "usage: pin2pin VERB [OPTION]... OPERAND\n\nverbs:\n");
    for (int i = 0; i < VERB_COUNT; i++) {
        printf("  %-6s %-8s %s\n", VERBS[i].name, VERBS[i].operand, VERBS[i].summary);
    }
    printf(
        "\n`pin2pin VERB -h` tells a verb's options. `pin2pin --version` tells the version.\n\n"
        "exit codes: 0 PASS or done, 1 FAIL, 2 usage or a bad file, 3 INCONCLUSIVE, 4 BENCH FAULT, 130 interrupted\n");
    return p2p_finish_output(P2P_EXIT_PASS);
}

static int verb_help(const struct p2p_verb *verb)
{
    printf("pin2pin %s: %s\n\nusage: pin2pin %s [OPTION]... %s\n\noptions:\n", verb->name, verb->summary, verb->name,
           verb->operand);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (verb_takes(verb, OPTIONS[i].letter)) {
            print_option(&OPTIONS[i]);
        }
    }
    return p2p_finish_output(P2P_EXIT_PASS);
}

__attribute__((format(printf, 2, 3))) static int usage_error(const char *verb, const char *format, ...)
{
    const char *space = verb != NULL ? " " : "";
    va_list arguments;

    verb = verb != NULL ? verb : "";
    fprintf(stderr, "pin2pin%s%s: ", space, verb);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; see `pin2pin%s%s -h`\n", space, verb);
    return P2P_EXIT_USAGE;
}

static const struct option_row *find_option(char letter)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (OPTIONS[i].letter == letter) {
            return &OPTIONS[i];
        }
    }
    return NULL;
}

/* NULL: the option takes no number. */
static const struct number_range *find_range(char letter)
{
    for (int i = 0; i < NUMBER_COUNT; i++) {
        if (NUMBERS[i].letter == letter) {
            return &NUMBERS[i];
        }
    }
    return NULL;
}

static bool parse_number(char letter, const char *text, uint64_t *value)
{
    const struct number_range *range = find_range(letter);
    char *end = NULL;

    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && *value >= range->min &&
           *value <= range->max;
}

/* False: the value does not fit the option. */
static bool take_option(struct p2p_options *options, char letter, const char *value)
{
    switch (letter) {
    case 'o':
        options->folder = value;
        return true;
    case 'B':
        options->bench = value;
        return true;
    case 'O':
        options->only = value;
        return true;
    case 'F':
        options->format = value;
        return strcmp(value, "text") == 0 || strcmp(value, "json") == 0;
    case 'E':
        options->bisect = true;
        return strcmp(value, "bisect") == 0;
    case 's':
        options->has_samples = true;
        return parse_number(letter, value, &options->samples);
    case 'b':
        options->has_boots = true;
        return parse_number(letter, value, &options->boots);
    case 'S':
        options->has_seed = true;
        return parse_number(letter, value, &options->seed);
    case 'J':
        options->json = true;
        return true;
    case 'v':
        options->verbose = true;
        return true;
    case 'q':
        options->quiet = true;
        return true;
    default:
        return false;
    }
}

static int bad_value(const struct p2p_verb *verb, char letter, const char *value)
{
    const struct option_row *row = find_option(letter);
    const struct number_range *range = find_range(letter);

    if (range == NULL) {
        return usage_error(verb->name, "--%s: expected %s, found \"%s\"", row->name, row->value, value);
    }
    return usage_error(verb->name, "--%s: expected a number from %" PRIu64 " to %" PRIu64 ", found \"%s\"", row->name,
                       range->min, range->max, value);
}

/* getopt tells a wrong short option by its letter, a wrong long one by its place. */
static int bad_option(const struct p2p_verb *verb, char letter, const char *text)
{
    if (letter == '\0') {
        return usage_error(verb->name, "%s is no option of this verb", text);
    }
    if (verb_takes(verb, letter)) {
        return usage_error(verb->name, "%s: this option takes no value", text);
    }
    return usage_error(verb->name, "-%c is no option of this verb", letter);
}

static void build_getopt(const struct p2p_verb *verb, char *short_options, struct option *long_options)
{
    *short_options++ = ':'; /* tell a missing value from an unknown option */
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &OPTIONS[i];

        if (!verb_takes(verb, row->letter)) {
            continue;
        }
        if (row->has_short) {
            *short_options++ = row->letter;
            if (row->value != NULL) {
                *short_options++ = ':';
            }
        }
        if (row->name != NULL) {
            *long_options++ =
                (struct option){row->name, row->value != NULL ? required_argument : no_argument, NULL, row->letter};
        }
    }
    *short_options = '\0';
    *long_options = (struct option){0};
}

static int run_verb(const struct p2p_verb *verb, int argc, char **argv)
{
    char short_options[2 * OPTION_COUNT + 2];
    struct option long_options[OPTION_COUNT + 1];
    struct p2p_options options = {0};
    int letter;

    build_getopt(verb, short_options, long_options);
    opterr = 0;
    while ((letter = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        if (letter == 'h') {
            return verb_help(verb);
        }
        if (letter == ':') {
            return usage_error(verb->name, "%s needs a value", argv[optind - 1]);
        }
        if (letter == '?') {
            return bad_option(verb, (char)optopt, argv[optind - 1]);
        }
        if (!take_option(&options, (char)letter, optarg)) {
            return bad_value(verb, (char)letter, optarg);
        }
    }
    if (optind + 1 != argc) {
        return usage_error(verb->name, "expected exactly one operand, %s", verb->operand);
    }
    options.argument = argv[optind];
    return verb->run(&options);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
        return help();
    }
    if (strcmp(name, "--version") == 0) {
        printf("pin2pin " P2P_VERSION "\n");
        return p2p_finish_output(P2P_EXIT_PASS);
    }
    for (int i = 0; i < VERB_COUNT; i++) {
        if (strcmp(name, VERBS[i].name) == 0) {
            return run_verb(&VERBS[i], argc - 1, argv + 1);
        }
    }
    return argc > 1 ? usage_error(NULL, "\"%s\" is no verb", name) : usage_error(NULL, "expected a verb");
}
