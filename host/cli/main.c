/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY SIZE_MAX

static const struct p2p_verb VERBS[] = {
    {"run", "PLAN", {1, 1}, "measure a plan's configurations on a bench", "oBOsbSE", p2p_verb_run},
    {"check", "FILE", {1, 1}, "validate a plan, a bench or a result", "", p2p_verb_check},
    {"gate", "RESULT", {1, 1}, "give a result's verdict as exit code", "E", p2p_verb_gate},
    {"report", "RUN", {1, 1}, "make a report again from a run folder", "F", p2p_verb_report},
    {"compare",
     "A B",
     {2, MANY},
     "tell what became slower or faster from one result to another",
     "NADT",
     p2p_verb_compare},
    {"baseline pin",
     "NAME RUN",
     {2, 2},
     "keep a result under a name, to hold others against it",
     "D",
     p2p_verb_baseline_pin},
    {"baseline list", "", {0, 0}, "tell which results are pinned", "D", p2p_verb_baseline_list},
    {"baseline drop", "NAME", {1, 1}, "forget a pinned result", "D", p2p_verb_baseline_drop},
    {"off", "BENCH", {1, 1}, "switch a bench's board off", "", p2p_verb_off},
    {"doctor", "BENCH", {1, 1}, "look at all of a bench, and tell what to do about what is wrong", "", p2p_verb_doctor},
    {"probe info", "BENCH", {1, 1}, "tell which probe it is, and how far it can be trusted", "", p2p_verb_probe_info},
    {"probe selftest", "BENCH", {1, 1}, "let the probe test itself", "", p2p_verb_probe_selftest},
    {"probe calibrate",
     "BENCH",
     {1, 1},
     "measure the skew of the probe's inputs and its clock",
     "wniru",
     p2p_verb_probe_calibrate},
    {"probe capture", "BENCH", {1, 1}, "record the edges on both inputs", "wtnfp", p2p_verb_probe_capture},
};

enum { VERB_COUNT = sizeof VERBS / sizeof VERBS[0] };

struct option_row {
    char letter;       /* what VERBS and take_option call it */
    char short_letter; /* as in "-o"; '\0': none */
    const char *name;  /* as in "--only"; NULL: none */
    const char *value; /* NULL: takes none. Words with "|" between them: it must be one of these */
    const char *summary;
};

static const struct option_row OPTIONS[] = {
    {'o', 'o', NULL, "DIR", "the run folder; made, must be empty (default: runs/PLAN-DATE)"},
    {'w', 'o', NULL, "FILE", "the file to write"},
    {'B', '\0', "bench", "FILE", "the bench, instead of the plan's"},
    {'O', '\0', "only", "NAME", "only this configuration or set of the plan, and others so given"},
    {'s', '\0', "samples", "N", "stimuli a boot, instead of the plan's"},
    {'b', '\0', "boots", "N", "boots of each configuration, instead of the plan's"},
    {'S', '\0', "seed", "N", "seed of the stimuli, instead of the plan's"},
    {'t', '\0', "seconds", "N", "stop after so many seconds"},
    {'n', '\0', "edges", "N", "stop after so many edges"},
    {'f', '\0', "format", "text|csv|vcd", "how to write the edges (default: text)"},
    {'p', '\0', "play", "FILE", "edges to play on a virtual probe's lines: CSV as written by --format csv"},
    {'i', '\0', "wiring", "straight|swapped", "how the cables are (real probes)"},
    {'r', '\0', "reference-ns", "NS", "the signal is a reference of this period: measure the clock, too"},
    {'u', '\0', "reference-ppm", "PPM", "standard uncertainty of the reference's period (default: 0)"},
    {'F', '\0', "format", "text|json|junit|csv", "what to make (default: text)"},
    {'N', '\0', "noise-floor", "PERCENT", "what changes by less is called the same (default: 1)"},
    {'A', '\0', "alpha", "P", "chance of a false alarm in the whole table (default: 0.005)"},
    {'D', '\0', "baselines", "DIR", "the folder of pinned results (default: the user's own)"},
    {'T', '\0', "trend", NULL, "the operands are a series of nights: tell where it changed"},
    {'E', '\0', "exit-code", "bisect", "for `git bisect run`: 125 instead of 3 and 4"},
    {'J', '\0', "json", NULL, "the machine's answer on stdout"},
    {'v', 'v', "verbose", NULL, "more on stderr"},
    {'q', 'q', "quiet", NULL, "nothing on stderr but errors"},
    {'h', 'h', "help", NULL, "this help"},
};

enum {
    OPTION_COUNT = sizeof OPTIONS / sizeof OPTIONS[0],
    LONG_OPTION = 256, /* getopt's value of a long option: this and its row; of a short one: its letter */
};

/* The options whose value is a whole number. */
struct number_range {
    char letter;
    uint64_t min, max;
};

static const struct number_range NUMBERS[] = {
    {'s', 1, 1000000000}, {'b', 1, 1000}, {'S', 0, (UINT64_C(1) << 53) - 1}, {'t', 1, 31536000}, {'n', 1, 1000000000},
};

enum { NUMBER_COUNT = sizeof NUMBERS / sizeof NUMBERS[0] };

/* The options whose value may have decimals. */
struct real_range {
    char letter;
    double min, max;
};

static const struct real_range REALS[] = {{'r', 1000, 1e10}, {'u', 0, 1000}, {'N', 0, 100}, {'A', 0.0001, 0.5}};

enum { REAL_COUNT = sizeof REALS / sizeof REALS[0] };

static const char COMMON_OPTIONS[] = "Jvqh";

static bool verb_takes(const struct p2p_verb *verb, const struct option_row *row)
{
    return strchr(COMMON_OPTIONS, row->letter) != NULL || strchr(verb->options, row->letter) != NULL;
}

static void print_option(const struct option_row *row)
{
    const bool has_short = row->short_letter != '\0';
    const char *separator = !has_short ? "  " : row->name != NULL ? ", " : "";
    char text[64];

    snprintf(text, sizeof text, "%c%c%s%s%s%s%s", has_short ? '-' : ' ', has_short ? row->short_letter : ' ', separator,
             row->name != NULL ? "--" : "", row->name != NULL ? row->name : "", row->value != NULL ? " " : "",
             row->value != NULL ? row->value : "");
    printf("  %-34s %s\n", text, row->summary);
}

static void print_verb(const struct p2p_verb *verb)
{
    printf("  %-15s  %-8s  %s\n", verb->name, verb->operand, verb->summary);
}

static int help(void)
{
    printf("pin2pin " P2P_VERSION ": interrupt latency of Xen on ARM, from pin to pin\n\n"
           "usage: pin2pin VERB [OPTION]... OPERAND\n\nverbs:\n");
    for (int i = 0; i < VERB_COUNT; i++) {
        print_verb(&VERBS[i]);
    }
    printf(
        "\n`pin2pin VERB -h` tells a verb's options. `pin2pin --version` tells the version.\n\n"
        "exit codes: 0 PASS or done, 1 FAIL, 2 usage or a bad file, 3 INCONCLUSIVE, 4 BENCH FAULT, 130 interrupted\n");
    return p2p_finish_output(P2P_EXIT_PASS);
}

static int verb_help(const struct p2p_verb *verb)
{
    printf("pin2pin %s: %s\n\nusage: pin2pin %s [OPTION]...%s%s\n\noptions:\n", verb->name, verb->summary, verb->name,
           verb->operand[0] != '\0' ? " " : "", verb->operand);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (verb_takes(verb, &OPTIONS[i])) {
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

/* `value` is getopt's. NULL: the verb takes no such option. */
static const struct option_row *find_option(const struct p2p_verb *verb, int value)
{
    if (value >= LONG_OPTION) {
        return &OPTIONS[value - LONG_OPTION];
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (verb_takes(verb, &OPTIONS[i]) && OPTIONS[i].short_letter == value) {
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

/* NULL: as above. */
static const struct real_range *find_real_range(char letter)
{
    for (int i = 0; i < REAL_COUNT; i++) {
        if (REALS[i].letter == letter) {
            return &REALS[i];
        }
    }
    return NULL;
}

/* Digits with or without decimals and an exponent, without a sign; nothing else that strtod knows. */
static bool parse_real(char letter, const char *text, double *value)
{
    const struct real_range *range = find_real_range(letter);
    char *end = NULL;

    *value = strtod(text, &end);
    return text[0] >= '0' && text[0] <= '9' && text[strspn(text, "0123456789.eE+-")] == '\0' && *end == '\0' &&
           *value >= range->min && *value <= range->max;
}

/* Among the words of "text|csv|vcd"? */
static bool is_choice(const char *choices, const char *text)
{
    const size_t length = strlen(text);
    bool found = false;

    for (const char *word = choices; word != NULL && !found; word = strchr(word, '|')) {
        word += *word == '|';
        found = strcspn(word, "|") == length && strncmp(word, text, length) == 0;
    }
    return found;
}

/* False: the value does not fit the option. */
static bool take_number(struct p2p_options *options, char letter, const char *value)
{
    switch (letter) {
    case 's':
        options->has_samples = true;
        return parse_number(letter, value, &options->samples);
    case 'b':
        options->has_boots = true;
        return parse_number(letter, value, &options->boots);
    case 'S':
        options->has_seed = true;
        return parse_number(letter, value, &options->seed);
    case 't':
        options->has_seconds = true;
        return parse_number(letter, value, &options->seconds);
    case 'n':
        options->has_edges = true;
        return parse_number(letter, value, &options->edges);
    case 'r':
        options->has_reference_ns = true;
        return parse_real(letter, value, &options->reference_ns);
    case 'u':
        options->has_reference_ppm = true;
        return parse_real(letter, value, &options->reference_ppm);
    case 'N':
        options->has_noise_floor = true;
        return parse_real(letter, value, &options->noise_floor_percent);
    case 'A':
        options->has_alpha = true;
        return parse_real(letter, value, &options->alpha);
    default:
        return false;
    }
}

static bool take_only(struct p2p_options *options, const char *value)
{
    bool room = options->only_count < P2P_ONLY_MAX;

    if (room) {
        options->only[options->only_count++] = value;
    }
    return room;
}

/* The same of all options. */
static bool take_option(struct p2p_options *options, const struct option_row *row, const char *value)
{
    switch (row->letter) {
    case 'o':
        options->folder = value;
        return true;
    case 'w':
        options->file = value;
        return true;
    case 'B':
        options->bench = value;
        return true;
    case 'O':
        return take_only(options, value);
    case 'p':
        options->play = value;
        return true;
    case 'F':
    case 'f':
        options->format = value;
        return is_choice(row->value, value);
    case 'i':
        options->wiring = value;
        return is_choice(row->value, value);
    case 'E':
        options->bisect = true;
        return is_choice(row->value, value);
    case 'D':
        options->baselines = value;
        return true;
    case 'T':
        options->trend = true;
        return true;
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
        return take_number(options, row->letter, value);
    }
}

static int bad_value(const struct p2p_verb *verb, const struct option_row *row, const char *value)
{
    const struct number_range *range = find_range(row->letter);
    const struct real_range *real_range = find_real_range(row->letter);

    if (range != NULL) {
        return usage_error(verb->name, "--%s: expected a number from %" PRIu64 " to %" PRIu64 ", found \"%s\"",
                           row->name, range->min, range->max, value);
    }
    if (real_range != NULL) {
        return usage_error(verb->name, "--%s: expected a number from %.12g to %.12g, found \"%s\"", row->name,
                           real_range->min, real_range->max, value);
    }
    return usage_error(verb->name, "--%s: expected %s, found \"%s\"", row->name, row->value, value);
}

/* getopt tells a wrong short option by its letter, a wrong long one by its place. */
static int bad_option(const struct p2p_verb *verb, int value, const char *text)
{
    if (value == 0) {
        return usage_error(verb->name, "%s is no option of this verb", text);
    }
    if (value >= LONG_OPTION) {
        return usage_error(verb->name, "%s: this option takes no value", text);
    }
    return usage_error(verb->name, "-%c is no option of this verb", value);
}

static void build_getopt(const struct p2p_verb *verb, char *short_options, struct option *long_options)
{
    *short_options++ = ':'; /* tell a missing value from an unknown option */
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &OPTIONS[i];

        if (!verb_takes(verb, row)) {
            continue;
        }
        if (row->short_letter != '\0') {
            *short_options++ = row->short_letter;
            if (row->value != NULL) {
                *short_options++ = ':';
            }
        }
        if (row->name != NULL) {
            *long_options++ =
                (struct option){row->name, row->value != NULL ? required_argument : no_argument, NULL, LONG_OPTION + i};
        }
    }
    *short_options = '\0';
    *long_options = (struct option){0};
}

static int wrong_operand_count(const struct p2p_verb *verb)
{
    static const char *const counts[] = {"no operand", "one operand, ", "two operands, "};

    return usage_error(verb->name, "expected %s %s%s", verb->operand_counts.most == MANY ? "at least" : "exactly",
                       counts[verb->operand_counts.least], verb->operand);
}

static int run_verb(const struct p2p_verb *verb, int argc, char **argv)
{
    char short_options[2 * OPTION_COUNT + 2];
    struct option long_options[OPTION_COUNT + 1];
    struct p2p_options options = {0};
    int value;

    build_getopt(verb, short_options, long_options);
    opterr = 0;
    while ((value = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        const struct option_row *row;

        if (value == ':') {
            return usage_error(verb->name, "%s needs a value", argv[optind - 1]);
        }
        if (value == '?') {
            return bad_option(verb, optopt, argv[optind - 1]);
        }
        row = find_option(verb, value);
        if (row->letter == 'h') {
            return verb_help(verb);
        }
        if (!take_option(&options, row, optarg)) {
            return bad_value(verb, row, optarg);
        }
    }
    options.operands = argv + optind;
    options.argument = optind < argc ? argv[optind] : NULL;
    options.operand_count = (size_t)(argc - optind);
    if (options.operand_count < verb->operand_counts.least || options.operand_count > verb->operand_counts.most) {
        return wrong_operand_count(verb);
    }
    return verb->run(&options);
}

static bool is_help(const char *word)
{
    return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
}

/* How many words of the command line are the verb's name; 0: it is another verb. */
static int match_verb(const struct p2p_verb *verb, int argc, char **argv)
{
    const size_t first = strcspn(verb->name, " ");

    if (strncmp(verb->name, argv[1], first) != 0 || argv[1][first] != '\0') {
        return 0;
    }
    if (verb->name[first] == '\0') {
        return 1;
    }
    return argc > 2 && strcmp(verb->name + first + 1, argv[2]) == 0 ? 2 : 0;
}

/* The second word of a verb whose first one is `group`; NULL: it has none. */
static const char *second_word(const struct p2p_verb *verb, const char *group)
{
    const size_t length = strlen(group);

    return strncmp(verb->name, group, length) == 0 && verb->name[length] == ' ' ? verb->name + length + 1 : NULL;
}

static int group_help(const char *group)
{
    printf("usage: pin2pin %s VERB [OPTION]... OPERAND\n\nverbs:\n", group);
    for (int i = 0; i < VERB_COUNT; i++) {
        if (second_word(&VERBS[i], group) != NULL) {
            print_verb(&VERBS[i]);
        }
    }
    return p2p_finish_output(P2P_EXIT_PASS);
}

/* No verb of all is meant: perhaps the first word is right. */
static int wrong_verb(const char *name, const char *second)
{
    char seconds[128] = "";
    size_t used = 0;

    for (int i = 0; i < VERB_COUNT; i++) {
        const char *word = second_word(&VERBS[i], name);

        if (word != NULL && used < sizeof seconds) {
            used += (size_t)snprintf(seconds + used, sizeof seconds - used, "%s%s", used > 0 ? ", " : "", word);
        }
    }
    if (used == 0) {
        return usage_error(NULL, "\"%s\" is no verb", name);
    }
    if (second == NULL) {
        return usage_error(name, "expected one of %s", seconds);
    }
    if (is_help(second)) {
        return group_help(name);
    }
    return usage_error(name, "expected one of %s, found \"%s\"", seconds, second);
}

/*
 * With 0, 1 or 2 closed the next files would take these numbers, and a child's output would go into them. Read-only, so
 * that printing still fails.
 */
static void take_standard_numbers(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            open("/dev/null", O_RDONLY); /* the lowest free number: this one */
        }
    }
}

int main(int argc, char **argv)
{
    take_standard_numbers();
    if (argc < 2) {
        return usage_error(NULL, "expected a verb");
    }
    if (is_help(argv[1])) {
        return help();
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("pin2pin " P2P_VERSION "\n");
        return p2p_finish_output(P2P_EXIT_PASS);
    }
    for (int i = 0; i < VERB_COUNT; i++) {
        const int words = match_verb(&VERBS[i], argc, argv);

        if (words > 0) {
            return run_verb(&VERBS[i], argc - words, argv + words);
        }
    }
    return wrong_verb(argv[1], argc > 2 ? argv[2] : NULL);
}
