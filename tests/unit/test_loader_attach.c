/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces probes of a child of this program with the real BPF programs: every type of events.def,
 * extreme values, arguments in registers and on the stack, both kinds of site. Needs root and BPF;
 * without them it skips all tests.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "../../loader/loader.h"

#define SEMAPHORE(name) __attribute__((section(".probes"))) unsigned short spice_##name##_semaphore

SEMAPHORE(match);
SEMAPHORE(stream_create);
SEMAPHORE(trace_add);
SEMAPHORE(wakeup);
SEMAPHORE(ring_empty);

struct rect {
    int32_t left, top, right, bottom;
};

/* A box is two arguments, of two coordinates each. */
struct pairs {
    uint64_t left_top, right_bottom;
};

__attribute__((noinline)) static void match(uint32_t display, uint64_t drawable,
                                            uint64_t release_id, uint8_t against, int32_t index,
                                            uint8_t verdict, int64_t since, struct pairs other)
{
    STAP_PROBE9(spice, match, display, drawable, release_id, against, index, verdict, since,
                other.left_top, other.right_bottom);
}

/* Its argument is memory, as many of QEMU's are: the program has to read it. */
__attribute__((noinline)) static void ring_empty(const uint32_t *display)
{
    STAP_PROBE2(spice, ring_empty, *display, (uint8_t)1);
}

/* Another site of the same probe, with its arguments elsewhere. */
__attribute__((noinline)) static void ring_empty_again(uint8_t ring, uint32_t display)
{
    STAP_PROBE2(spice, ring_empty, display, ring);
}

__attribute__((noinline)) static void wakeup(uint32_t display)
{
    STAP_PROBE1(spice, wakeup, display);
}

#undef _SDT_NOP
#define _SDT_NOP .nops 5

__attribute__((noinline)) static void stream_create(uint32_t display, uint32_t stream,
                                                    uint64_t drawable, uint64_t release_id,
                                                    struct pairs box, int32_t width, int32_t height,
                                                    uint32_t fps, int32_t frames, bool top_down)
{
    STAP_PROBE11(spice, stream_create, display, stream, drawable, release_id, box.left_top,
                 box.right_bottom, width, height, fps, frames, top_down);
}

/* It has too few arguments, so the tracer must report it as missing, with the reason. */
__attribute__((noinline)) static void trace_add(uint32_t display)
{
    STAP_PROBE1(spice, trace_add, display);
}

/* Of the module, while it is loaded. */
static void (*module_oom)(unsigned qid);

static const struct rect box = {-1, INT32_MIN, INT32_MAX, 4};

enum { EVENTS = 5 }; /* that one fire() gives, without the module's and what is lost */

static void fire(void)
{
    struct pairs here;

    memcpy(&here, &box, sizeof(here));
    match(7, UINT64_MAX, 1ull << 63, 255, -1, 7, INT64_MIN, here);
    wakeup(UINT32_MAX);
    if (module_oom) {
        module_oom(UINT32_MAX);
    }
    stream_create(1, UINT32_MAX, 3, 4, here, -5, INT32_MIN, 6, -7, true);
    ring_empty((const uint32_t *)8); /* an address without memory */
    ring_empty_again(1, 9);
    trace_add(1);
    stream_create(1, 2, 3, 4, here, 5, 6, 7, 8, false);
}

/* ---- the child, which fires once for each byte it reads ---------------------------------- */

struct child {
    pid_t pid;
    int go, done;
};

static struct child start(void)
{
    struct child c;
    int go[2], done[2];
    char byte;

    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    c = (struct child){fork(), go[1], done[0]};
    if (c.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(go[1]);
        while (read(go[0], &byte, 1) == 1) {
            fire();
            if (write(done[1], &byte, 1) != 1) {
                break;
            }
        }
        _exit(0);
    }
    close(go[0]);
    close(done[1]);
    return c;
}

static void go(const struct child *c)
{
    char byte = 1;

    assert_int_equal(write(c->go, &byte, 1), 1);
    assert_int_equal(read(c->done, &byte, 1), 1);
}

static void stop(const struct child *c)
{
    close(c->go);
    close(c->done);
    waitpid(c->pid, NULL, 0);
}

/* ---- the events ------------------------------------------------------------------------------ */

struct seen {
    struct tap_event events[64];
    unsigned count;
};

static int keep(void *context, const struct tap_event *ev)
{
    struct seen *s = context;

    assert_true(s->count < 64);
    memcpy(&s->events[s->count++], ev, offsetof(struct tap_event, v) + ev->slots * 8u);
    return 0;
}

static bool may_trace(void)
{
    return geteuid() == 0 && access("/sys/bus/event_source/devices/uprobe/type", R_OK) == 0;
}

static struct tracer *attach(struct vm *vm, const struct child *c)
{
    static const struct tracer_options options = {.buffer_mib = 1};
    struct loader_error e = {""};
    struct tracer *t = NULL;

    assert_int_equal(vm_find_pid(vm, c->pid, &e), 0);
    if (tracer_open(&t, vm, &options, &e)) {
        fail_msg("%s", e.text);
    }
    return t;
}

static void check_box(const uint64_t *slots)
{
    assert_memory_equal(slots, &box, sizeof(box));
}

static void check_match(const struct tap_event *ev)
{
    assert_int_equal(ev->kind, EV_match);
    assert_int_equal(ev->slots, 9);
    assert_true(ev->v[0] == 7 && ev->v[1] == UINT64_MAX && ev->v[2] == 1ull << 63);
    assert_true(ev->v[3] == 255 && ev->v[4] == UINT64_MAX && ev->v[5] == 7);
    assert_true((int64_t)ev->v[6] == INT64_MIN);
    check_box(ev->v + 7);
}

static void check_create(const struct tap_event *ev)
{
    assert_int_equal(ev->kind, EV_stream_create);
    assert_int_equal(ev->slots, 11);
    assert_true(ev->v[0] == 1 && ev->v[1] == UINT32_MAX && ev->v[2] == 3 && ev->v[3] == 4);
    check_box(ev->v + 4);
    assert_true((int64_t)ev->v[6] == -5 && (int64_t)ev->v[7] == INT32_MIN);
    assert_true(ev->v[8] == 6 && (int64_t)ev->v[9] == -7 && ev->v[10] == 1);
}

static void check_loss(struct tracer *t)
{
    struct tracer_loss loss;

    assert_int_equal(tracer_loss(t, &loss), 1);
    assert_int_equal(loss.source, SOURCE_SPICE);
    assert_int_equal(loss.reason, LOSS_REASON_bad_memory); /* the argument without memory */
    assert_int_equal(loss.count, 1);
    assert_int_not_equal(loss.time, 0);
    assert_int_equal(tracer_loss(t, &loss), 0);
}

static void check_left_out(struct tracer *t)
{
    const json_t *entry;
    bool found = false;
    size_t i;

    json_array_foreach(tracer_missing(t), i, entry)
    {
        if (!strcmp(json_string_value(json_object_get(entry, "name")), "trace_add")) {
            assert_non_null(strstr(json_string_value(json_object_get(entry, "why")), "1 argument"));
            found = true;
        }
    }
    assert_true(found);
    assert_int_equal(tracer_attached(t, SOURCE_SPICE), 4);
    assert_int_equal(tracer_attached(t, SOURCE_QEMU), 0);
}

static void values(void **state)
{
    struct child c;
    struct seen s = {.count = 0};
    struct tracer *t;
    struct vm vm;
    (void)state;

    if (!may_trace()) {
        skip();
    }
    c = start();
    t = attach(&vm, &c);
    go(&c); /* recording is off */
    tracer_switch(t, RECORD_ALL);
    go(&c);
    tracer_switch(t, RECORD_OFF);
    go(&c); /* recording is off again */
    assert_int_equal(tracer_drain(t, 1000, keep, &s), EVENTS);
    check_match(&s.events[0]);
    assert_true(s.events[1].kind == EV_wakeup && s.events[1].v[0] == UINT32_MAX);
    check_create(&s.events[2]);
    assert_true(s.events[3].kind == EV_ring_empty && s.events[3].v[0] == 9 &&
                s.events[3].v[1] == 1);
    assert_true(s.events[4].kind == EV_stream_create && s.events[4].v[10] == 0);
    assert_int_equal(s.events[0].tid, c.pid);
    assert_true(s.events[0].time && s.events[0].time <= s.events[4].time);
    check_loss(t);
    check_left_out(t);
    tracer_close(t);
    stop(&c);
    assert_false(vm_running(&vm));
    vm_close(&vm);
}

/* Its probe is found in the module, attached through it, and its unsigned argument is the int of
 * events.def. */
static void module_of_qemu(void **state)
{
    char path[PATH_MAX] = "";
    struct child c;
    struct seen s = {.count = 0};
    struct tracer *t;
    struct vm vm;
    void *module;
    (void)state;

    if (!may_trace()) {
        skip();
    }
    assert_true(readlink("/proc/self/exe", path, sizeof(path) - 64) > 0);
    strcpy(strrchr(path, '/'), "/qemu/hw-display-test.so");
    module = dlopen(path, RTLD_NOW);
    assert_non_null(module);
    *(void **)&module_oom = dlsym(module, "module_oom");
    c = start();
    t = attach(&vm, &c);
    assert_int_equal(vm.module_count, 1);
    assert_string_equal(vm.modules[0].name, path);
    assert_false(vm.modules[0].replaced);
    assert_int_equal(tracer_attached(t, SOURCE_QEMU), 1);
    tracer_switch(t, RECORD_ALL);
    go(&c);
    tracer_switch(t, RECORD_OFF);
    assert_int_equal(tracer_drain(t, 1000, keep, &s), EVENTS + 1);
    assert_int_equal(s.events[2].kind, EV_qxl_spice_oom);
    assert_true((int64_t)s.events[2].v[0] == -1);
    tracer_close(t);
    stop(&c);
    vm_close(&vm);
    module_oom = NULL;
    dlclose(module);
}

/* By perf events, as on a kernel without multi-uprobe links. */
static int use_perf(void **state)
{
    (void)state;
    return setenv("SPICETAP_UPROBES", "perf", 1);
}

static int use_default(void **state)
{
    (void)state;
    return unsetenv("SPICETAP_UPROBES");
}

static void budget(void **state)
{
    struct child c;
    struct seen s = {.count = 0};
    struct tracer *t;
    struct vm vm;
    (void)state;

    if (!may_trace()) {
        skip();
    }
    c = start();
    t = attach(&vm, &c);
    tracer_switch(t, RECORD_ALL);
    go(&c);
    go(&c);
    tracer_switch(t, RECORD_OFF);
    assert_int_equal(tracer_drain(t, 4, keep, &s), 4);
    tracer_detach(t); /* what is in the ring buffer stays */
    assert_int_equal(tracer_drain(t, 4, keep, &s), 4);
    assert_true(tracer_holds(t));
    assert_int_equal(tracer_drain(t, 4, keep, &s), 2 * EVENTS - 8);
    assert_false(tracer_holds(t));
    assert_int_equal(tracer_drain(t, 4, keep, &s), 0);
    assert_int_equal(s.count, 2 * EVENTS);
    assert_true(vm_running(&vm));
    tracer_close(t);
    stop(&c);
    vm_close(&vm);
}

/* A ring buffer that is too small: the events that are recorded and those that are counted as lost
 * add up to those that were fired. */
static int count_only(void *context, const struct tap_event *ev)
{
    (void)ev;
    ++*(unsigned *)context;
    return 0;
}

static void losses_add_up(void **state)
{
    enum { ROUNDS = 5000 };
    struct child c;
    struct tracer_loss loss;
    struct tracer *t;
    struct vm vm;
    unsigned recorded = 0;
    uint64_t lost = 0;
    (void)state;

    if (!may_trace()) {
        skip();
    }
    c = start();
    t = attach(&vm, &c);
    tracer_switch(t, RECORD_ALL);
    for (int i = 0; i < ROUNDS; i++) {
        go(&c);
    }
    tracer_switch(t, RECORD_OFF);
    while (tracer_drain(t, 1000, count_only, &recorded) > 0) {
    }
    while (tracer_loss(t, &loss)) {
        lost += loss.count;
    }
    assert_true(lost > ROUNDS); /* more than the one bad address of each round */
    assert_int_equal(recorded + lost, (EVENTS + 1) * ROUNDS);
    tracer_close(t);
    stop(&c);
    vm_close(&vm);
}

static void no_uprobes(void **state)
{
    static const struct tracer_options options = {.buffer_mib = 1};
    struct child c = start();
    struct loader_error e = {""};
    struct tracer *t;
    struct vm vm;
    (void)state;

    assert_int_equal(vm_find_pid(&vm, c.pid, &e), 0);
    setenv("SPICETAP_SYSFS", "/nowhere", 1);
    assert_int_equal(tracer_open(&t, &vm, &options, &e), -ENOSYS);
    unsetenv("SPICETAP_SYSFS");
    assert_non_null(strstr(e.text, "CONFIG_UPROBE_EVENTS"));
    vm_close(&vm);
    stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(module_of_qemu),
        cmocka_unit_test_setup_teardown(values, use_perf, use_default),
        cmocka_unit_test(budget),
        cmocka_unit_test(losses_add_up),
        cmocka_unit_test(no_uprobes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
