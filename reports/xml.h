/* SPDX-License-Identifier: MIT */
/*
 * Writes XML 1.0 as it comes, indented by two: the one place that knows its quoting. Whatever goes in, what comes out
 * is well-formed: every text is quoted, and what is not printable ASCII becomes '?', line breaks and tabs excepted.
 * Write errors are left in the stream's error flag.
 */
#ifndef P2P_REPORTS_XML_H
#define P2P_REPORTS_XML_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { P2P_XML_DEPTH_MAX = 8 };

/* The fields are xml.c's own. */
struct p2p_xml {
    FILE *out;
    const char *open[P2P_XML_DEPTH_MAX];
    size_t depth;
    bool in_tag;   /* the innermost element's start tag still takes attributes */
    bool has_text; /* the innermost element holds text: no white space may be added to it */
};

/* Writes the declaration; `out` is borrowed. */
void p2p_xml_begin(struct p2p_xml *xml, FILE *out);
/* `element` is borrowed until it is closed; at most P2P_XML_DEPTH_MAX are open at a time. */
void p2p_xml_open(struct p2p_xml *xml, const char *element);
/* Of the element just opened, before its contents. */
void p2p_xml_attribute(struct p2p_xml *xml, const char *name, const char *value);
void p2p_xml_attribute_count(struct p2p_xml *xml, const char *name, uint64_t value);
void p2p_xml_text(struct p2p_xml *xml, const char *text);
/* The innermost open element. */
void p2p_xml_close(struct p2p_xml *xml);

#endif
