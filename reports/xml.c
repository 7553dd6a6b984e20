/* SPDX-License-Identifier: MIT */
#include "reports/xml.h"

#include "reports/plain.h"

#include <assert.h>

/* In attributes white space must be quoted, too: a reader makes blanks of it. */
static void quote(FILE *out, const char *text, bool is_attribute)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\n':
            fputs(is_attribute ? "&#10;" : "\n", out);
            break;
        case '\t':
            fputs(is_attribute ? "&#9;" : "\t", out);
            break;
        default:
            fputc(p2p_plain_character(*text), out);
            break;
        }
    }
}

static void end_tag(struct p2p_xml *xml)
{
    if (xml->in_tag) {
        fputc('>', xml->out);
        xml->in_tag = false;
    }
}

static void new_line(const struct p2p_xml *xml)
{
    fprintf(xml->out, "\n%*s", (int)(2 * xml->depth), "");
}

void p2p_xml_begin(struct p2p_xml *xml, FILE *out)
{
    *xml = (struct p2p_xml){.out = out};
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", out);
}

void p2p_xml_open(struct p2p_xml *xml, const char *element)
{
    assert(xml->depth < P2P_XML_DEPTH_MAX);
    end_tag(xml);
    new_line(xml);
    fprintf(xml->out, "<%s", element);
    xml->open[xml->depth++] = element;
    xml->in_tag = true;
}

void p2p_xml_attribute(struct p2p_xml *xml, const char *name, const char *value)
{
    assert(xml->in_tag);
    fprintf(xml->out, " %s=\"", name);
    quote(xml->out, value, true);
    fputc('"', xml->out);
}

void p2p_xml_attribute_count(struct p2p_xml *xml, const char *name, uint64_t value)
{
    assert(xml->in_tag);
    fprintf(xml->out, " %s=\"%" PRIu64 "\"", name, value);
}

void p2p_xml_text(struct p2p_xml *xml, const char *text)
{
    assert(xml->depth > 0);
    end_tag(xml);
    quote(xml->out, text, false);
    xml->has_text = true;
}

void p2p_xml_close(struct p2p_xml *xml)
{
    assert(xml->depth > 0);
    xml->depth--;
    if (xml->in_tag) {
        fputs("/>", xml->out);
    } else {
        if (!xml->has_text) {
            new_line(xml);
        }
        fprintf(xml->out, "</%s>", xml->open[xml->depth]);
    }
    xml->in_tag = xml->has_text = false;
    if (xml->depth == 0) {
        fputc('\n', xml->out);
    }
}
