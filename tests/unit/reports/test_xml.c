/* SPDX-License-Identifier: MIT */
#include "reports/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

struct page {
    struct p2p_xml xml;
    FILE *out;
    char *text;
    size_t size;
};

static void begin(struct page *page)
{
    page->out = open_memstream(&page->text, &page->size);
    assert_non_null(page->out);
    p2p_xml_begin(&page->xml, page->out);
}

static void assert_page(struct page *page, const char *expected)
{
    assert_int_equal(fclose(page->out), 0);
    assert_string_equal(page->text, expected);
    free(page->text);
}

static void elements_are_nested_and_indented(void **state)
{
    struct page page;

    (void)state;
    begin(&page);
    p2p_xml_open(&page.xml, "a");
    p2p_xml_open(&page.xml, "b");
    p2p_xml_attribute_count(&page.xml, "n", UINT64_MAX);
    p2p_xml_open(&page.xml, "c");
    p2p_xml_close(&page.xml);
    p2p_xml_close(&page.xml);
    p2p_xml_open(&page.xml, "d");
    p2p_xml_close(&page.xml);
    p2p_xml_close(&page.xml);
    assert_page(&page, HEAD "<a>\n  <b n=\"18446744073709551615\">\n    <c/>\n  </b>\n  <d/>\n</a>\n");
}

static void no_white_space_is_added_to_a_text(void **state)
{
    struct page page;

    (void)state;
    begin(&page);
    p2p_xml_open(&page.xml, "a");
    p2p_xml_open(&page.xml, "b");
    p2p_xml_text(&page.xml, "one\n\ttwo");
    p2p_xml_text(&page.xml, "");
    p2p_xml_close(&page.xml);
    p2p_xml_close(&page.xml);
    assert_page(&page, HEAD "<a>\n  <b>one\n\ttwo</b>\n</a>\n");
}

static void markup_is_quoted(void **state)
{
    struct page page;

    (void)state;
    begin(&page);
    p2p_xml_open(&page.xml, "a");
    p2p_xml_attribute(&page.xml, "v", "1 < 2 & \"3\" > '2'\n\t]]>");
    p2p_xml_text(&page.xml, "</a> & \"x\" ]]>");
    p2p_xml_close(&page.xml);
    assert_page(&page, HEAD "<a v=\"1 &lt; 2 &amp; &quot;3&quot; &gt; '2'&#10;&#9;]]&gt;\">"
                            "&lt;/a&gt; &amp; &quot;x&quot; ]]&gt;</a>\n");
}

static void whatever_bytes_there_are_the_text_is_plain(void **state)
{
    char every[256];
    struct page page;

    (void)state;
    for (int i = 0; i < 255; i++) {
        every[i] = (char)(i + 1);
    }
    every[255] = '\0';
    begin(&page);
    p2p_xml_open(&page.xml, "a");
    p2p_xml_attribute(&page.xml, "v", every);
    p2p_xml_text(&page.xml, every);
    p2p_xml_text(&page.xml, "caf\xc3");
    p2p_xml_close(&page.xml);
    assert_int_equal(fclose(page.out), 0);
    for (const char *at = page.text; *at != '\0'; at++) {
        assert_true((*at >= ' ' && *at <= '~') || *at == '\n' || *at == '\t');
    }
    assert_non_null(strstr(page.text, "caf?</a>"));
    free(page.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_nested_and_indented),
        cmocka_unit_test(no_white_space_is_added_to_a_text),
        cmocka_unit_test(markup_is_quoted),
        cmocka_unit_test(whatever_bytes_there_are_the_text_is_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
