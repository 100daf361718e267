/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack-driver: plays a script of guest actions to libspice-server, then prints its account.
 *
 *   stack-driver [options] SCRIPT     SCRIPT is a file, or - for standard input
 *   stack-driver [options] -e VERBS   verbs separated by ;
 *
 * The script has one verb per line; --help lists them.
 */
#include "driver.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "event/compression.h"

#define DISPLAYS 2
#define WORDS    16
#define PHASES   256

struct phase {
    char verb[96];
    uint64_t draws, wall, worker_cpu;
};

struct driver {
    struct guest guests[DISPLAYS], *g; /* g: the display that verbs apply to */
    SpiceServer *server;
    GMainLoop *loop;
    FILE *script;
    const char *account_path;
    int port, line, result;
    unsigned ring_depth, phase_count;
    const char *compression, *streaming;
    const char *password, *unix_path; /* NULL: none */
    char *tls_folder;                 /* NULL: none */
    int tls_port;
    struct phase phases[PHASES];
};

struct words {
    char *w[WORDS];
    int n;
};

/* Not CLOCK_MONOTONIC, which tests/bench/clock.c replaces by a count of calls. */
static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

/* In spans: libfaketime 0.9.10 leaves an absolute time of this clock as it is. */
static void sleep_until(uint64_t ns)
{
    for (uint64_t now; (now = now_ns()) < ns;) {
        struct timespec t = {.tv_sec = (ns - now) / 1000000000u,
                             .tv_nsec = (ns - now) % 1000000000u};
        nanosleep(&t, NULL);
    }
}

static long word_number(const struct words *a, int i, long otherwise)
{
    return i < a->n ? strtol(a->w[i], NULL, 0) : otherwise;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static int verb_screen(struct driver *v, const struct words *a)
{
    return guest_screen(v->g, word_number(a, 1, 0), word_number(a, 2, 0));
}

static void add_display(void *arg)
{
    struct driver *v = arg;
    struct guest *g = v->g;
    v->result = guest_init(g, v->server, v->ring_depth, g - v->guests);
    spice_server_vm_start(v->server); /* starts a device that was added while the VM runs */
    g->video_off = v->guests[0].video_off;
    g->account = v->guests[0].account;
}

/* display N: the following verbs apply to display N. Its first use adds it, like a hot-plugged one.
 */
static int verb_display(struct driver *v, const struct words *a)
{
    long n = word_number(a, 1, 0);
    if (n < 0 || n >= DISPLAYS)
        return -EINVAL;
    v->g = &v->guests[n];
    if (!v->g->server)
        core_call(add_display, v);
    return v->result;
}

static int verb_expect_client(struct driver *v, const struct words *a)
{
    return guest_wait_client(v->g, true, word_number(a, 1, 10000)) ? 0 : -ETIMEDOUT;
}

static int verb_expect_no_client(struct driver *v, const struct words *a)
{
    return guest_wait_client(v->g, false, word_number(a, 1, 10000)) ? 0 : -ETIMEDOUT;
}

static int verb_await(struct driver *v, const struct words *a)
{
    struct stat st;
    (void)v;
    for (int i = 0; i < 3000; i++) {
        if (stat(a->w[1], &st) == 0)
            return 0;
        usleep(10000);
    }
    return -ETIMEDOUT;
}

static int verb_reset(struct driver *v, const struct words *a)
{
    (void)a;
    pthread_mutex_lock(&v->g->lock);
    memset(&v->g->counts, 0, sizeof(v->g->counts));
    pthread_mutex_unlock(&v->g->lock);
    return 0;
}

static int verb_say(struct driver *v, const struct words *a)
{
    (void)v;
    printf("%s\n", a->n > 1 ? a->w[1] : "");
    fflush(stdout);
    return 0;
}

static int verb_wait(struct driver *v, const struct words *a)
{
    (void)v;
    sleep_until(now_ns() + word_number(a, 1, 0) * 1000000ull);
    return 0;
}

static int draw_kind(const char *name)
{
    for (int i = 0; i < DRAW_KINDS; i++)
        if (!strcmp(name, draw_kind_names[i]))
            return i;
    return -EINVAL;
}

/* draw KIND X Y W H [surface=N] [src=WxH] [phase=N] */
static int verb_draw(struct driver *v, const struct words *a)
{
    int kind = a->n > 5 ? draw_kind(a->w[1]) : -EINVAL;
    if (kind < 0)
        return kind;
    struct draw d = {.kind = kind,
                     .x = word_number(a, 2, 0),
                     .y = word_number(a, 3, 0),
                     .width = word_number(a, 4, 0),
                     .height = word_number(a, 5, 0)};
    for (int i = 6; i < a->n; i++) {
        if (sscanf(a->w[i], "surface=%" SCNu32, &d.surface) == 1 ||
            sscanf(a->w[i], "phase=%u", &d.phase) == 1 ||
            sscanf(a->w[i], "src=%" SCNd32 "x%" SCNd32, &d.src_width, &d.src_height) == 2)
            continue;
        return -EINVAL;
    }
    return guest_draw(v->g, &d);
}

/* video X Y W H FPS FRAMES [STEP]: draws FRAMES pictures into the same box, FPS a second, or as
 * fast as the worker takes them (0). Each frame moves the box by STEP pixels. */
static int verb_video(struct driver *v, const struct words *a)
{
    if (a->n < 7)
        return -EINVAL;
    long fps = word_number(a, 5, 25), frames = word_number(a, 6, 0), step = word_number(a, 7, 0);
    uint64_t start = now_ns();
    for (long i = 0; i < frames; i++) {
        struct draw d = {.kind = DRAW_COPY,
                         .x = word_number(a, 1, 0) + i * step,
                         .y = word_number(a, 2, 0),
                         .width = word_number(a, 3, 0),
                         .height = word_number(a, 4, 0),
                         .phase = i % 16};
        if (fps > 0)
            sleep_until(start + i * 1000000000ull / fps);
        int err = guest_draw(v->g, &d);
        if (err)
            return err;
    }
    return 0;
}

/* clip X Y FPS FIRST COUNT [STEP [WIDTH]]: draws frames of the experiments' clip, each with its
 * number, or only so much of their left. */
static int verb_clip(struct driver *v, const struct words *a)
{
    long fps = word_number(a, 3, 25), first = word_number(a, 4, 0), count = word_number(a, 5, 1);
    uint64_t start = now_ns();
    for (long i = 0; i < count; i++) {
        struct draw d = {.kind = DRAW_CLIP_FRAME,
                         .x = word_number(a, 1, 0),
                         .y = word_number(a, 2, 0),
                         .width = word_number(a, 7, CLIP_WIDTH),
                         .height = CLIP_HEIGHT,
                         .phase = first + i * word_number(a, 6, 1)};
        if (fps > 0)
            sleep_until(start + i * 1000000000ull / fps);
        int err = guest_draw(v->g, &d);
        if (err)
            return err;
    }
    return 0;
}

/* Key presses of clients, which the main loop's thread gives to the script's. */
static GAsyncQueue *presses;

static void on_scan(SpiceKbdInstance *keyboard, uint8_t code)
{
    (void)keyboard;
    if (!(code & 0x80)) /* else the key is released */
        g_async_queue_push(presses, GINT_TO_POINTER(code));
}

static uint8_t no_leds(SpiceKbdInstance *keyboard)
{
    (void)keyboard;
    return 0;
}

static void add_keyboard(SpiceServer *server)
{
    static const SpiceKbdInterface interface = {
        .base = {.type = SPICE_INTERFACE_KEYBOARD,
                 .description = "driver",
                 .major_version = SPICE_INTERFACE_KEYBOARD_MAJOR,
                 .minor_version = SPICE_INTERFACE_KEYBOARD_MINOR},
        .push_scan_freg = on_scan,
        .get_leds = no_leds,
    };
    static SpiceKbdInstance keyboard = {.base.sif = &interface.base};

    presses = g_async_queue_new();
    spice_server_add_interface(server, &keyboard.base);
}

/* answer X Y W H N [FPS]: draws another picture into the box at each of N key presses, each within
 * 30 s; meanwhile FPS pictures a second of 640x480 at 0,0. */
static int verb_answer(struct driver *v, const struct words *a)
{
    struct draw box = {.kind = DRAW_COPY,
                       .x = word_number(a, 1, 0),
                       .y = word_number(a, 2, 0),
                       .width = word_number(a, 3, 0),
                       .height = word_number(a, 4, 0)};
    struct draw busy = {.kind = DRAW_COPY, .width = 640, .height = 480};
    long fps = word_number(a, 6, 0);
    uint64_t due = now_ns(), last = due;
    int err = guest_draw(v->g, &box);

    for (long keys = word_number(a, 5, 1); !err && keys;) {
        uint64_t now = now_ns(), wait = fps ? due > now ? due - now : 0 : 100000000;
        if (g_async_queue_timeout_pop(presses, wait / 1000)) {
            box.phase = 1 + box.phase % 15;
            err = guest_draw(v->g, &box);
            last = now_ns();
            keys--;
        } else if (fps && now_ns() >= due) {
            busy.phase = (busy.phase + 1) % 16;
            err = guest_draw(v->g, &busy);
            due += 1000000000ull / fps;
        }
        if (now_ns() - last > 30000000000ull)
            return -ETIMEDOUT;
    }
    return err;
}

/* The n-th drawing of a busy desktop: terminals that scroll, text, a blinking cursor, widgets, a
 * picture now and then. It depends on n alone, so all runs draw the same. */
static struct draw desktop_draw(const struct guest *g, unsigned n)
{
    unsigned r = n * 2654435761u >> 8, pick = n % 20, row = n / 20 % 20;
    int32_t x = 40 + (int32_t)(r % 7) * 8, y = 60 + (int32_t)row * 16;
    if (pick == 0)
        return (struct draw){DRAW_COPY_BITS, 40, 60, 480, 320, .phase = 0};
    if (pick < 12)
        return (struct draw){DRAW_TEXT, x + 8 * (int32_t)pick, y, 64, 16, .phase = n % 4};
    if (pick < 15)
        return (struct draw){DRAW_FILL, x, y, 8, 16, .phase = n % 2};
    if (pick < 18)
        return (struct draw){DRAW_TEXT, 40, y, 480, 16, .phase = n % 4};
    if (pick == 18)
        return (struct draw){DRAW_COPY, g->surfaces[0].width / 2, 40 + (int32_t)(r % 5) * 10, 160,
                             120,       .phase = n / 20 % 8};
    return (struct draw){DRAW_FILL, g->surfaces[0].width / 2, y, 120, 24, .phase = n % 3};
}

static volatile sig_atomic_t hurry;

static void hurry_up(int number)
{
    (void)number;
    hurry = 1;
}

/* desktop N [RATE]: N drawings of a desktop, RATE a second, or as fast as the worker takes them, as
 * all are after SIGUSR1. */
static int verb_desktop(struct driver *v, const struct words *a)
{
    long count = word_number(a, 1, 0), rate = word_number(a, 2, 0);
    uint64_t start = now_ns();
    for (long i = 0; i < count; i++) {
        struct draw d = desktop_draw(v->g, i);
        if (rate && !hurry)
            sleep_until(start + i * 1000000000ull / rate);
        int err = guest_draw(v->g, &d);
        if (err)
            return err;
    }
    return 0;
}

static int verb_surface(struct driver *v, const struct words *a)
{
    if (a->n == 5 && !strcmp(a->w[1], "create"))
        return guest_surface_create(v->g, word_number(a, 2, 0), word_number(a, 3, 0),
                                    word_number(a, 4, 0));
    if (a->n == 3 && !strcmp(a->w[1], "destroy"))
        return guest_surface_destroy(v->g, word_number(a, 2, 0));
    return -EINVAL;
}

/* oom [N [GAP_MS]] */
static int verb_oom(struct driver *v, const struct words *a)
{
    for (long i = 0, n = word_number(a, 1, 1); i < n; i++) {
        guest_oom(v->g);
        usleep(word_number(a, 2, 0) * 1000);
    }
    return 0;
}

static int verb_flush(struct driver *v, const struct words *a)
{
    v->g->flush_answer = word_number(a, 1, 0);
    return 0;
}

static int verb_oom_again(struct driver *v, const struct words *a)
{
    v->g->oom_again = word_number(a, 1, 1);
    return 0;
}

static int verb_memory(struct driver *v, const struct words *a)
{
    v->g->memory_limit = word_number(a, 1, 0);
    return 0;
}

static int verb_lockstep(struct driver *v, const struct words *a)
{
    v->g->lockstep = word_number(a, 1, 1);
    return 0;
}

static int verb_cursor(struct driver *v, const struct words *a)
{
    for (long i = 0, n = word_number(a, 1, 1); i < n; i++) {
        int err = guest_cursor(v->g, i % 300, i % 200);
        if (err)
            return err;
    }
    return 0;
}

static int verb_update(struct driver *v, const struct words *a)
{
    guest_update(v->g, word_number(a, 1, 0));
    return 0;
}

static int verb_settle(struct driver *v, const struct words *a)
{
    (void)a;
    guest_settle(v->g);
    return 0;
}

static int verb_drain(struct driver *v, const struct words *a)
{
    return guest_drain(v->g, word_number(a, 1, 5000)) ? 0 : -ETIMEDOUT;
}

static void vm_start(void *arg)
{
    spice_server_vm_start(arg);
}

static void vm_stop(void *arg)
{
    spice_server_vm_stop(arg);
}

static int verb_vm(struct driver *v, const struct words *a)
{
    if (a->n != 2)
        return -EINVAL;
    core_call(strcmp(a->w[1], "stop") ? vm_start : vm_stop, v->server);
    return 0;
}

static int run_line(struct driver *v, char *line);

/* repeat N VERB...: runs the rest of the line N times. */
static int verb_repeat(struct driver *v, const struct words *a)
{
    char rest[256] = "";
    if (a->n < 3)
        return -EINVAL;
    for (int i = 2; i < a->n; i++) {
        g_strlcat(rest, a->w[i], sizeof(rest));
        g_strlcat(rest, " ", sizeof(rest));
    }
    for (long i = 0, n = word_number(a, 1, 0); i < n; i++) {
        char line[256];
        g_strlcpy(line, rest, sizeof(line));
        int err = run_line(v, line);
        if (err)
            return err;
    }
    return 0;
}

/* timed VERB...: runs the rest of the line until the worker has taken everything. Prints "timed
 * DRAWS WALL_NS WORKER_CPU_NS"; the account repeats it in "phases". */
static int verb_timed(struct driver *v, const struct words *a)
{
    struct phase *p = &v->phases[v->phase_count % PHASES];
    char line[256] = "";
    for (int i = 1; i < a->n; i++) {
        g_strlcat(line, a->w[i], sizeof(line));
        g_strlcat(line, i + 1 < a->n ? " " : "", sizeof(line));
    }
    v->phase_count++;
    g_strlcpy(p->verb, line, sizeof(p->verb));
    guest_settle(v->g);
    uint64_t draws = v->g->counts.draws, cpu = guest_worker_cpu(v->g), start = now_ns();
    int err = run_line(v, line);
    guest_settle(v->g);
    p->wall = now_ns() - start;
    p->worker_cpu = guest_worker_cpu(v->g) - cpu;
    p->draws = v->g->counts.draws - draws;
    flockfile(stdout);
    printf("timed %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", p->draws, p->wall, p->worker_cpu);
    fflush(stdout);
    funlockfile(stdout);
    return err;
}

static const struct {
    const char *name;
    int (*run)(struct driver *v, const struct words *a);
    int words; /* at least so many, with the verb */
    const char *help;
} verbs[] = {
    {"screen", verb_screen, 1,
     "screen [W H]: create the primary surface; without numbers destroy it"},
    {"display", verb_display, 2, "display N: the following verbs apply to display N (0 or 1)"},
    {"expect-client", verb_expect_client, 1, "expect-client [MS]: wait for a display client"},
    {"expect-no-client", verb_expect_no_client, 1, "expect-no-client [MS]: wait until it has left"},
    {"await", verb_await, 2, "await FILE: wait until FILE exists, 30 s at most"},
    {"reset", verb_reset, 1, "reset: set all counts to 0"},
    {"say", verb_say, 1, "say WORD: print WORD"},
    {"wait", verb_wait, 2, "wait MS"},
    {"draw", verb_draw, 6, "draw KIND X Y W H [surface=N] [src=WxH] [phase=N]"},
    {"video", verb_video, 7, "video X Y W H FPS FRAMES [STEP]: each frame moves the box by STEP"},
    {"clip", verb_clip, 6, "clip X Y FPS FIRST COUNT [STEP [WIDTH]]: numbered frames of the clip"},
    {"answer", verb_answer, 6,
     "answer X Y W H N [FPS]: redraw the box at each of N key presses; 640x480 FPS times a second"},
    {"desktop", verb_desktop, 2, "desktop N [RATE]: N drawings of a busy desktop"},
    {"surface", verb_surface, 3, "surface create ID W H, surface destroy ID"},
    {"oom", verb_oom, 1, "oom [N [GAP_MS]]: report out-of-memory N times"},
    {"flush", verb_flush, 2, "flush N: flush_resources returns N from now on; 0 forces eviction"},
    {"oom-again", verb_oom_again, 1,
     "oom-again [N]: report out-of-memory again during the next N flushes"},
    {"memory", verb_memory, 2, "memory BYTES: limit the guest's memory; 0: no limit"},
    {"lockstep", verb_lockstep, 1, "lockstep [0]: send each command only when the server is idle"},
    {"cursor", verb_cursor, 1, "cursor [N]: move the pointer N times"},
    {"update", verb_update, 1, "update [SURFACE]: have the server render the whole surface"},
    {"settle", verb_settle, 1, "settle: wait until the worker has taken all commands"},
    {"drain", verb_drain, 1, "drain [MS]: wait until all memory is released"},
    {"vm", verb_vm, 2, "vm stop, vm start"},
    {"repeat", verb_repeat, 3, "repeat N VERB..."},
    {"timed", verb_timed, 2, "timed VERB...: measure wall time and the worker's CPU time"},
};

static int run_words(struct driver *v, const struct words *a)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(a->w[0], verbs[i].name))
            continue;
        return a->n < verbs[i].words ? -EINVAL : verbs[i].run(v, a);
    }
    return -ENOENT;
}

static int run_line(struct driver *v, char *line)
{
    struct words a = {.n = 0};
    char *save = NULL;
    line[strcspn(line, "#\n")] = '\0';
    for (char *w = strtok_r(line, " \t", &save); w && a.n < WORDS; w = strtok_r(NULL, " \t", &save))
        a.w[a.n++] = w;
    return a.n ? run_words(v, &a) : 0;
}

/* ---- account --------------------------------------------------------------------------------- */

static void print_phases(const struct driver *v)
{
    printf("\"phases\":[");
    for (unsigned i = 0; i < v->phase_count && i < PHASES; i++)
        printf("%s{\"verb\":\"%s\",\"draws\":%" PRIu64 ",\"wall_ns\":%" PRIu64
               ",\"worker_cpu_ns\":%" PRIu64 "}",
               i ? "," : "", v->phases[i].verb, v->phases[i].draws, v->phases[i].wall,
               v->phases[i].worker_cpu);
    printf("]");
}

static void print_account(const struct driver *v, const char *error)
{
    const struct guest *g = &v->guests[0];
    const struct counts *c = &g->counts;
    /* Other threads write the debug log to the same stream. */
    flockfile(stdout);
    printf("{\"error\":\"%s\",\"line\":%d,\"worker_tid\":%d,", error, v->line, g->worker_tid);
    printf("\"draws\":%" PRIu64 ",\"verdicts\":{", c->draws);
    for (int i = 0; i < VERDICTS; i++)
        printf("%s\"%s\":%" PRIu64, i ? "," : "", verdict_names[i], c->verdicts[i]);
    printf("},\"releases\":%" PRIu64 ",\"draw_releases\":%" PRIu64 ",\"wrong_releases\":%" PRIu64
           ",\"outstanding\":%" PRIu64 ",",
           c->releases, c->draw_releases, c->wrong_releases, g->outstanding);
    printf("\"cursors\":%" PRIu64 ",\"surfaces_made\":%" PRIu64 ",\"surfaces_gone\":%" PRIu64
           ",\"ooms\":%" PRIu64 ",\"flushes\":%" PRIu64 ",",
           c->cursors, c->surfaces_made, c->surfaces_gone, c->oom_calls, c->flushes);
    printf("\"commands_sent\":%" PRIu64 ",\"commands_taken\":%" PRIu64 ",\"cursors_taken\":%" PRIu64
           ",",
           c->commands_sent, c->commands_taken, c->cursors_taken);
    printf("\"wakeups\":%" PRIu64 ",\"notify_requests\":%" PRIu64 ",\"notify_armed\":%" PRIu64 ",",
           c->wakeups, c->notify_requests, c->notify_armed);
    print_phases(v);
    printf("}\n");
    fflush(stdout);
    funlockfile(stdout);
}

/* ---- start and end --------------------------------------------------------------------------- */

static int play(struct driver *v)
{
    char line[256];
    while (fgets(line, sizeof(line), v->script)) {
        v->line++;
        int err = run_line(v, line);
        if (err)
            return err;
    }
    return 0;
}

static gboolean quit(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_REMOVE;
}

/* The script runs in its own thread, like a guest's processor. */
static gpointer script_thread(gpointer data)
{
    struct driver *v = data;
    v->result = play(v);
    for (int i = 0; !v->result && i < DISPLAYS && v->guests[i].server; i++)
        guest_settle(&v->guests[i]);
    /* A server whose VM is stopped also releases what its image dictionaries hold. */
    if (!v->result)
        core_call(vm_stop, v->server);
    for (int i = 0; !v->result && i < DISPLAYS && v->guests[i].server; i++) {
        guest_screen(&v->guests[i], 0, 0);
        guest_drain(&v->guests[i], 5000);
    }
    print_account(v, v->result ? g_strerror(-v->result) : "");
    g_idle_add(quit, v->loop);
    return NULL;
}

static int set_streaming(SpiceServer *s, const char *name)
{
    static const char *const names[] = {"", "off", "all", "filter"};
    for (int i = SPICE_STREAM_VIDEO_OFF; i <= SPICE_STREAM_VIDEO_FILTER; i++)
        if (!strcmp(name, names[i]))
            return spice_server_set_streaming_video(s, i) ? -EINVAL : 0;
    return -EINVAL;
}

static int set_compression(SpiceServer *s, const char *name)
{
    int number = compression_number(name);

    return number && !spice_server_set_image_compression(s, number) ? 0 : -EINVAL;
}

/* --tls PORT,FOLDER[,only]: the folder has ca.pem, server.pem and server.key. "only" refuses
 * clients on the plain port. */
static int set_tls(struct driver *v)
{
    char ca[PATH_MAX], cert[PATH_MAX], key[PATH_MAX], *only = strrchr(v->tls_folder, ',');
    if (only) {
        *only = '\0';
        spice_server_set_channel_security(v->server, NULL, SPICE_CHANNEL_SECURITY_SSL);
    }
    snprintf(ca, sizeof(ca), "%s/ca.pem", v->tls_folder);
    snprintf(cert, sizeof(cert), "%s/server.pem", v->tls_folder);
    snprintf(key, sizeof(key), "%s/server.key", v->tls_folder);
    return spice_server_set_tls(v->server, v->tls_port, ca, cert, key, NULL, NULL, NULL);
}

static int set_doors(struct driver *v)
{
    if (v->unix_path) {
        spice_server_set_addr(v->server, v->unix_path, SPICE_ADDR_FLAG_UNIX_ONLY);
    } else {
        spice_server_set_addr(v->server, "127.0.0.1", SPICE_ADDR_FLAG_IPV4_ONLY);
        spice_server_set_port(v->server, v->port);
    }
    if (v->tls_folder && set_tls(v))
        return -EINVAL;
    return v->password ? spice_server_set_ticket(v->server, v->password, 0, 0, 0)
                       : spice_server_set_noauth(v->server);
}

static int server_start(struct driver *v)
{
    v->server = spice_server_new();
    if (set_doors(v)) {
        fprintf(stderr, "stack-driver: the server refuses the password or the TLS folder\n");
        return -EINVAL;
    }
    if (set_streaming(v->server, v->streaming) || set_compression(v->server, v->compression)) {
        fprintf(stderr, "stack-driver: no such streaming or compression mode\n");
        return -EINVAL;
    }
    if (spice_server_init(v->server, core_glib())) {
        fprintf(stderr, "stack-driver: cannot listen on port %d: is it taken?\n", v->port);
        return -EADDRINUSE;
    }
    v->g = &v->guests[0];
    int err = guest_init(v->g, v->server, v->ring_depth, 0);
    if (err)
        return err;
    v->g->video_off = !strcmp(v->streaming, "off");
    add_keyboard(v->server);
    spice_server_vm_start(v->server);
    return 0;
}

static int drive(struct driver *v)
{
    int err = server_start(v);
    if (err)
        return err;
    if (v->account_path && !(v->g->account = fopen(v->account_path, "w"))) {
        fprintf(stderr, "stack-driver: %s: %s\n", v->account_path, strerror(errno));
        return -errno;
    }
    v->loop = g_main_loop_new(NULL, FALSE);
    printf("ready pid=%d port=%d\n", getpid(), v->port);
    fflush(stdout);
    GThread *script = g_thread_new("guest", script_thread, v);
    g_main_loop_run(v->loop);
    g_thread_join(script);
    spice_server_destroy(v->server);
    if (v->g->account)
        fclose(v->g->account);
    for (int i = 0; i < DISPLAYS && v->guests[i].server; i++)
        guest_free(&v->guests[i]);
    picture_free_all();
    g_main_loop_unref(v->loop);
    return v->result;
}

static void usage(FILE *f)
{
    fprintf(f,
            "usage: stack-driver [--port N] [--ring DEPTH] [--streaming off|all|filter]\n"
            "         [--compression off|auto_glz|auto_lz|quic|glz|lz|lz4] [--account FILE]\n"
            "         [--unix PATH] [--password TEXT] [--tls PORT,FOLDER[,only]]\n"
            "         SCRIPT | - | -e VERBS\n\nverbs, one per line (with -e: separated by ;):\n");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(f, "  %s\n", verbs[i].help);
    fprintf(f, "\nkinds of draw:");
    for (int i = 0; i < DRAW_KINDS; i++)
        fprintf(f, " %s", draw_kind_names[i]);
    fprintf(f, "\n");
}

static FILE *open_script(const char *path, char *verbs_text)
{
    if (verbs_text)
        return fmemopen(g_strdelimit(verbs_text, ";", '\n'), strlen(verbs_text), "r");
    return strcmp(path, "-") ? fopen(path, "r") : stdin;
}

int main(int argc, char **argv)
{
    static struct driver v = {
        .port = 5930, .ring_depth = 32, .compression = "auto_glz", .streaming = "filter"};
    static const struct option options[] = {{"port", 1, 0, 'p'},
                                            {"ring", 1, 0, 'r'},
                                            {"streaming", 1, 0, 's'},
                                            {"compression", 1, 0, 'c'},
                                            {"account", 1, 0, 'a'},
                                            {"unix", 1, 0, 'u'},
                                            {"password", 1, 0, 'w'},
                                            {"tls", 1, 0, 't'},
                                            {"name", 1, 0, 'n'},
                                            {"help", 0, 0, 'h'},
                                            {0, 0, 0, 0}};
    char *text = NULL;
    for (int o; (o = getopt_long_only(argc, argv, "p:r:s:c:a:e:h", options, NULL)) != -1;) {
        switch (o) {
        case 'n': /* as QEMU's -name: for whoever looks for VMs in the list of processes */
            break;
        case 'p':
            v.port = atoi(optarg);
            break;
        case 'r':
            v.ring_depth = CLAMP(atoi(optarg), 1, RING_MAX);
            break;
        case 's':
            v.streaming = optarg;
            break;
        case 'c':
            v.compression = optarg;
            break;
        case 'a':
            v.account_path = optarg;
            break;
        case 'e':
            text = optarg;
            break;
        case 'u':
            v.unix_path = optarg;
            break;
        case 'w':
            v.password = optarg;
            break;
        case 't':
            v.tls_port = atoi(optarg);
            v.tls_folder = optarg + strcspn(optarg, ",");
            v.tls_folder += *v.tls_folder == ',';
            break;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    }
    if (!text && optind + 1 != argc) {
        usage(stderr);
        return 2;
    }
    v.script = open_script(argv[optind], text);
    if (!v.script) {
        fprintf(stderr, "stack-driver: %s: %s\n", argv[optind], strerror(errno));
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, hurry_up);
    return drive(&v) ? 1 : 0;
}
