/* SPDX-License-Identifier: MIT */
#include "reports/junit.h"

#include "reports/columns.h"
#include "reports/text.h"
#include "reports/xml.h"

#include <inttypes.h>
#include <stdlib.h>

/* No configuration can have this name. */
static const char WHOLE_RUN[] = "(run)";

/* What is wrong with the whole and with none of its configurations. */
static struct p2p_judgement judgement_of_whole(const struct p2p_result *result)
{
    struct p2p_judgement whole = {.verdict = P2P_VERDICT_PASS};
    enum p2p_verdict worst = P2P_VERDICT_PASS;

    for (size_t i = 0; i < result->configuration_count; i++) {
        worst = p2p_verdict_worse(worst, result->configurations[i].judgement.verdict);
    }
    return result->judgement.verdict > worst ? result->judgement : whole;
}

/* Element of a case for a verdict; NULL: none, it passed. */
static const char *outcome(enum p2p_verdict verdict)
{
    switch (verdict) {
    case P2P_VERDICT_FAIL:
        return "failure";
    case P2P_VERDICT_BENCH_FAULT:
        return "error";
    case P2P_VERDICT_INCONCLUSIVE:
        return "skipped";
    case P2P_VERDICT_PASS:
        break;
    }
    return NULL;
}

static void write_case(struct p2p_xml *xml, const char *class_name, const char *name,
                       const struct p2p_judgement *judgement)
{
    const char *element = outcome(judgement->verdict);

    p2p_xml_open(xml, "testcase");
    p2p_xml_attribute(xml, "name", name);
    p2p_xml_attribute(xml, "classname", class_name);
    p2p_xml_attribute_count(xml, "time", 0);
    if (element != NULL) {
        p2p_xml_open(xml, element);
        p2p_xml_attribute(xml, "message", judgement->reason);
        if (judgement->verdict != P2P_VERDICT_INCONCLUSIVE) { /* Ant's schema has no type for what is skipped */
            p2p_xml_attribute(xml, "type", p2p_verdict_name(judgement->verdict));
        }
        p2p_xml_close(xml);
    }
    p2p_xml_close(xml);
}

static void write_property(struct p2p_xml *xml, const char *name, const char *value)
{
    p2p_xml_open(xml, "property");
    p2p_xml_attribute(xml, "name", name);
    p2p_xml_attribute(xml, "value", value);
    p2p_xml_close(xml);
}

static void write_count(struct p2p_xml *xml, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    write_property(xml, name, text);
}

static void write_figures(struct p2p_xml *xml, const struct p2p_result_configuration *configuration)
{
    struct p2p_columns columns;
    char name[P2P_NAME_BYTES + 32];

    p2p_columns_of(configuration, &columns);
    for (size_t i = 0; i < columns.count; i++) {
        if (columns.columns[i].text[0] != '\0') {
            snprintf(name, sizeof name, "%s.%s", configuration->name, columns.columns[i].name);
            write_property(xml, name, columns.columns[i].text);
        }
    }
}

static void write_properties(struct p2p_xml *xml, const struct p2p_result *result)
{
    char uncertainty[32];

    p2p_xml_open(xml, "properties");
    write_property(xml, "verdict", p2p_verdict_name(result->judgement.verdict));
    write_property(xml, "time_base", p2p_time_base_name(result->time_base));
    write_count(xml, "seed", result->seed);
    if (result->probe[0] != '\0') {
        snprintf(uncertainty, sizeof uncertainty, "%.3f", p2p_uncertainty_of_sample_ns(&result->budget, 0));
        write_property(xml, "probe", result->probe);
        write_property(xml, "probe.serial", result->serial);
        write_property(xml, "probe.firmware", result->firmware);
        write_count(xml, "probe.tick_hz", result->tick_hz);
        write_property(xml, "probe.uncertainty_ns", uncertainty);
    }
    for (size_t i = 0; i < result->configuration_count; i++) {
        write_figures(xml, &result->configurations[i]);
    }
    p2p_xml_close(xml);
}

static void count_outcomes(const struct p2p_result *result, const struct p2p_judgement *whole, uint64_t counts[4])
{
    counts[whole->verdict]++;
    for (size_t i = 0; i < result->configuration_count; i++) {
        counts[result->configurations[i].judgement.verdict]++;
    }
}

static void write_suite(struct p2p_xml *xml, const struct p2p_result *result, const char *report)
{
    const struct p2p_judgement whole = judgement_of_whole(result);
    uint64_t counts[4] = {0}; /* by verdict */
    char package[P2P_NAME_BYTES + 16], class_name[2 * P2P_NAME_BYTES + 16];

    /* With the bench: GitLab drops cases of equal names, and the same plan may run on several benches. */
    snprintf(package, sizeof package, "pin2pin.%s", result->bench);
    snprintf(class_name, sizeof class_name, "%s.%s", package, result->plan);
    count_outcomes(result, &whole, counts);
    p2p_xml_open(xml, "testsuite");
    p2p_xml_attribute_count(xml, "id", 0);
    p2p_xml_attribute(xml, "package", package);
    p2p_xml_attribute(xml, "name", result->plan);
    p2p_xml_attribute_count(xml, "tests", result->configuration_count + 1);
    p2p_xml_attribute_count(xml, "failures", counts[P2P_VERDICT_FAIL]);
    p2p_xml_attribute_count(xml, "errors", counts[P2P_VERDICT_BENCH_FAULT]);
    p2p_xml_attribute_count(xml, "skipped", counts[P2P_VERDICT_INCONCLUSIVE]);
    p2p_xml_attribute_count(xml, "time", 0);
    p2p_xml_attribute(xml, "timestamp", "1970-01-01T00:00:00");
    p2p_xml_attribute(xml, "hostname", result->bench);
    write_properties(xml, result);
    write_case(xml, class_name, WHOLE_RUN, &whole);
    for (size_t i = 0; i < result->configuration_count; i++) {
        write_case(xml, class_name, result->configurations[i].name, &result->configurations[i].judgement);
    }
    p2p_xml_open(xml, "system-out");
    p2p_xml_text(xml, report);
    p2p_xml_close(xml);
    p2p_xml_open(xml, "system-err");
    p2p_xml_close(xml);
    p2p_xml_close(xml);
}

/* free() it; NULL: out of memory. */
static char *text_report(const struct p2p_result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL) {
        return NULL;
    }
    p2p_report_text(result, out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

bool p2p_report_junit(const struct p2p_result *result, FILE *out)
{
    char *report = text_report(result);
    struct p2p_xml xml;

    if (report == NULL) {
        return false;
    }
    p2p_xml_begin(&xml, out);
    p2p_xml_open(&xml, "testsuites");
    write_suite(&xml, result, report);
    p2p_xml_close(&xml);
    free(report);
    return true;
}
