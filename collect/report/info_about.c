/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first part of info's text: who, what, when. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record/worker_cpu.h"
#include "report/info.h"

/* 1234567 as "1.2 MB". */
const char *info_bytes(uint64_t bytes, char *text)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double v = (double)bytes;
    int unit = 0;

    for (; v >= 1000 && unit < 4; unit++)
        v /= 1000;
    snprintf(text, INFO_TEXT, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
    return text;
}

const char *info_span(uint64_t ns, char *text)
{
    double s = (double)ns / 1e9;

    snprintf(text, INFO_TEXT,
             s >= 1      ? "%.2f s"
             : s >= 1e-3 ? "%.1f ms"
                         : "%.1f us",
             s >= 1      ? s
             : s >= 1e-3 ? s * 1e3
                         : s * 1e6);
    return text;
}

void info_plain(const char *text)
{
    for (; *text; text++)
        putchar(iscntrl((unsigned char)*text) ? '?' : *text);
}

const char *info_string(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

static bool print_scalar(const json_t *v)
{
    if (json_is_string(v))
        info_plain(json_string_value(v));
    else if (json_is_integer(v))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_boolean(v))
        printf(json_is_true(v) ? "yes" : "no");
    else
        return false;
    return true;
}

/* Sizes of memory are easier to read with a unit. */
static void print_member(const char *key, const json_t *value)
{
    char text[INFO_TEXT];

    if (!strcmp(key, "memory") && json_integer_value(value) > 0)
        printf("%s", info_bytes((uint64_t)json_integer_value(value), text));
    else
        print_scalar(value);
}

static void print_members(const char *title, const json_t *object)
{
    const char *key, *between = "";
    json_t *value;

    if (!json_object_size(object))
        return;
    printf("%-9s ", title);
    json_object_foreach((json_t *)object, key, value)
    {
        if (json_is_object(value) || json_is_array(value) || json_is_null(value))
            continue;
        printf("%s", between);
        if (strcmp(key, title + strspn(title, " "))) {
            info_plain(key);
            putchar(' ');
        }
        print_member(key, value);
        between = ", ";
    }
    putchar('\n');
    json_object_foreach((json_t *)object, key, value)
    {
        if (json_is_object(value)) {
            char name[INFO_TEXT];

            snprintf(name, sizeof(name), "  %s", key);
            print_members(name, value);
        }
    }
}

static void print_devices(const json_t *devices)
{
    for (size_t d = 0; d < json_array_size(devices); d++) {
        const json_t *device = json_array_get(devices, d);
        const char *driver = json_string_value(json_object_get(device, "driver")), *key;
        json_t *value, *properties = json_object_get(device, "properties");

        printf("%-9s ", d ? "" : "devices");
        info_plain(driver ? driver : "?");
        json_object_foreach(properties, key, value)
        {
            if (!strcmp(key, "driver") || !strcmp(key, "id") || !strcmp(key, "bus") ||
                !strcmp(key, "addr"))
                continue;
            printf(" ");
            info_plain(key);
            printf("=");
            print_scalar(value);
            if (strstr(key, "_size") && json_integer_value(value) >= 1 << 20)
                printf(" (%" JSON_INTEGER_FORMAT " MiB)", json_integer_value(value) >> 20);
        }
        printf("\n");
    }
}

static void print_scale(const json_t *scale)
{
    if (json_number_value(scale) > 0)
        printf(
            "time      in slow motion: 1 s of this run took %g s of the host's. CPU times are not "
            "slowed\n",
            json_number_value(scale));
}

static void print_run(const struct info *i)
{
    static const char *const states[] = {
        [BUNDLE_COMPLETE] = "complete",
        [BUNDLE_RECORDING] = "still being recorded",
        [BUNDLE_RECOVERED] = "recovered: its recorder did not end in order",
    };
    const json_t *about = bundle_about(i->bundle);
    const char *wall = info_string(json_object_get(about, "started"), "wall"),
               *why = info_string(about, "end");

    printf("run       ");
    info_plain(i->run);
    printf(": %.1f s", i->seconds);
    if (*wall) {
        printf(" from ");
        info_plain(wall);
    }
    printf("; %s", json_object_size(about) ? states[bundle_state(i->bundle)] : "a log alone");
    if (*why) {
        printf(": ");
        info_plain(why);
    }
    putchar('\n');
    print_scale(json_object_get(about, "time_scale"));
    print_members("target", json_object_get(about, "target"));
    print_devices(json_object_get(about, "devices"));
    print_members("host", json_object_get(about, "host"));
    if (worker_cpu_share(about, i->seconds) >= 0)
        printf("worker    used %.1f%% of one core\n", 100 * worker_cpu_share(about, i->seconds));
}

static void print_hello(const char *name, const json_t *hello)
{
    const json_t *missing = json_object_get(hello, "missing");

    printf("guest     ");
    info_plain(name);
    printf(": kernel ");
    info_plain(info_string(hello, "kernel"));
    printf(", ");
    info_plain(info_string(hello, "distribution"));
    printf(", spicetap-guest ");
    info_plain(info_string(hello, "agent"));
    printf(", %zu probes attached, %zu missing",
           json_array_size(json_object_get(hello, "attached")), json_array_size(missing));
    for (size_t m = 0; m < json_array_size(missing); m++) {
        printf(m ? ", " : ": ");
        info_plain(info_string(json_array_get(missing, m), "name"));
    }
    printf("\n");
}

static void print_clock(const char *name, const struct clock_map *m)
{
    for (size_t s = 0; s < m->count; s++) {
        const struct clock_segment *c = &m->segments[s];

        printf("  clock   ");
        info_plain(name);
        printf(" %s: %.1f s, offset %.6f s, drift %.3f ppm, error ",
               c->bridge ? "jump" : clock_method_name(c->method),
               (double)(c->guest_to - c->guest_from) / 1e9,
               (double)(int64_t)(c->host_at - c->guest_at) / 1e9, (double)c->drift_ppb / 1e3);
        if (c->error == CLOCK_UNKNOWN)
            printf("unknown\n");
        else
            printf("%.1f us, %" PRIu64 " pairs\n", (double)c->error / 1e3, c->pairs);
    }
    printf("  clock   ");
    info_plain(name);
    printf(": %" PRIu64 " pairs of I/O or fences, %" PRIu64 " rejected, %" PRIu64 " violations\n",
           m->pairs, m->rejected, m->violations);
}

static void print_guest(const struct info *i)
{
    const json_t *guest = json_object_get(bundle_about(i->bundle), "guest");
    const json_t *logs = json_object_get(guest, "logs");

    for (size_t l = 0; l < json_array_size(logs); l++) {
        const json_t *log = json_array_get(logs, l);

        print_hello(info_string(log, "log"), json_object_get(log, "hello"));
    }
    if (json_object_size(guest))
        print_members("  port", guest);
    for (size_t l = 0; l < i->log_count; l++)
        if (i->logs[l].clock)
            print_clock(i->logs[l].name, i->logs[l].clock);
}

void info_about(const struct info *i)
{
    print_run(i);
    print_guest(i);
}
