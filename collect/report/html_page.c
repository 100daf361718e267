/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page: its style, its scripts, and the runs as JSON, all in one file. */
#include <errno.h>
#include <string.h>

#include "base/out.h"
#include "report/html.h"

/* A file that the build finds (see the Makefile) as a text. */
#define FILE_TEXT(name, file)                                                                      \
    __asm__(".pushsection .rodata\n" #name ":\n.incbin \"" file "\"\n.byte 0\n.popsection\n");     \
    extern const char name[] __attribute__((visibility("hidden")))

FILE_TEXT(uplot_script, "uPlot.iife.min.js");
FILE_TEXT(uplot_style, "uPlot.min.css");
FILE_TEXT(uplot_licence, "LICENSE");
FILE_TEXT(lanes_script, "lanes.js");
FILE_TEXT(report_script, "report.js");
FILE_TEXT(report_style, "report.css");

/* Nothing in a text may look like a tag, an end of the script, or a comment. */
static int put_json(const char *text, size_t size, void *arg)
{
    FILE *f = arg;

    for (const char *end = text + size; text < end;) {
        const char *tag = memchr(text, '<', (size_t)(end - text));
        size_t plain = (size_t)((tag ? tag : end) - text);

        if (plain && fwrite(text, plain, 1, f) != 1)
            return -1;
        if (tag && fputs("\\u003c", f) == EOF)
            return -1;
        text += plain + (tag != NULL);
    }
    return 0;
}

/* Texts of a run come to the page as JSON alone, and its script makes no HTML of them. */
int html_write(FILE *f, const json_t *runs)
{
    fprintf(f,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n"
            "<title>spicetap report</title>\n<style>%s\n%s</style>\n</head>\n<body>\n<main "
            "id=\"page\"><noscript>This page needs JavaScript. As text: spicetap explain."
            "</noscript></main>\n<script type=\"application/json\" id=\"runs\">",
            uplot_style, report_style);
    errno = 0;
    if (json_dump_callback(runs, put_json, f, JSON_COMPACT))
        return errno ? -errno : -EIO;
    fprintf(f,
            "</script>\n<script>\n/* uPlot:\n%s*/\n%s</script>\n<script>%s\n%s</script>\n</body>\n"
            "</html>\n",
            uplot_licence, uplot_script, lanes_script, report_script);
    return out_finish(f);
}
