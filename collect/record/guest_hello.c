/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "record/guest_hello.h"

enum { MAX_JSON = 16 << 10, MAX_DEPTH = 8, MAX_LIST = 64, MAX_TEXT = 128, MAX_WHY = 240 };

/* jansson recurses, so the depth is checked before it parses. */
static bool shallow(const uint8_t *json, size_t length)
{
    unsigned depth = 0;

    for (size_t i = 0; i < length; i++) {
        if ((json[i] == '{' || json[i] == '[') && ++depth > MAX_DEPTH)
            return false;
        if ((json[i] == '}' || json[i] == ']') && depth)
            depth--;
    }
    return true;
}

/* The first `most` characters; ? replaces what is not printable ASCII. NULL: not a text. */
static json_t *plain(const json_t *value, size_t most)
{
    const char *text = json_string_value(value);
    char kept[MAX_WHY + 1];
    size_t i;

    for (i = 0; text && text[i] && i < most; i++)
        kept[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    kept[i] = '\0';
    return text ? json_string(kept) : NULL;
}

static void keep_text(json_t *to, const json_t *from, const char *key, size_t most)
{
    json_t *text = plain(json_object_get(from, key), most);

    if (text)
        json_object_set_new(to, key, text);
}

static void keep_number(json_t *to, const json_t *from, const char *key)
{
    const json_t *v = json_object_get(from, key);

    if (json_is_integer(v) && json_integer_value(v) >= 0)
        json_object_set_new(to, key, json_integer(json_integer_value(v)));
}

static void keep_names(json_t *to, const json_t *from, const char *key)
{
    const json_t *list = json_object_get(from, key);
    json_t *kept = json_array();

    for (size_t i = 0; i < json_array_size(list) && i < MAX_LIST; i++) {
        json_t *text = plain(json_array_get(list, i), MAX_TEXT);

        if (text)
            json_array_append_new(kept, text);
    }
    json_object_set_new(to, key, kept);
}

static void keep_rows(json_t *to, const json_t *from, const char *key, const char *text1,
                      const char *text2, const char *number)
{
    const json_t *list = json_object_get(from, key);
    json_t *kept = json_array();

    for (size_t i = 0; i < json_array_size(list) && i < MAX_LIST; i++) {
        const json_t *row = json_array_get(list, i);
        json_t *o = json_object();

        keep_text(o, row, text1, MAX_TEXT);
        if (text2)
            keep_text(o, row, text2, MAX_WHY);
        if (number)
            keep_number(o, row, number);
        json_array_append_new(kept, o);
    }
    json_object_set_new(to, key, kept);
}

json_t *guest_hello_parse(const uint8_t *json, size_t length)
{
    json_t *said, *hello;

    if (length > MAX_JSON || !shallow(json, length))
        return NULL;
    said = json_loadb((const char *)json, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(said) || !json_string_length(json_object_get(said, "boot_id"))) {
        json_decref(said);
        return NULL;
    }
    hello = json_object();
    keep_text(hello, said, "agent", MAX_TEXT);
    keep_text(hello, said, "boot_id", MAX_TEXT);
    keep_text(hello, said, "kernel", MAX_TEXT);
    keep_text(hello, said, "machine", MAX_TEXT);
    keep_text(hello, said, "distribution", MAX_TEXT);
    keep_text(hello, said, "capabilities", MAX_TEXT);
    keep_number(hello, said, "cpus");
    keep_names(hello, said, "drivers");
    keep_names(hello, said, "attached");
    keep_rows(hello, said, "missing", "name", "why", NULL);
    keep_rows(hello, said, "memory", "domain", NULL, "total");
    json_decref(said);
    return hello;
}
