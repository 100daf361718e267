/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "event/event.h"
#include "report/live.h"

static int by_name(const void *a, const void *b)
{
    const struct board_vm *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->pid > y->pid) - (x->pid < y->pid);
}

static bool is_shown(const struct board_vm *vm)
{
    return vm->state == BOARD_ATTACHING || vm->state == BOARD_WATCHED || vm->state == BOARD_FAILED;
}

void live_take(struct live *l, const struct board *board)
{
    l->count = 0;
    l->beyond = board->beyond;
    for (unsigned i = 0; i < BOARD_VMS; i++)
        if (board_get(&board->vms[i], &l->vms[l->count]) && is_shown(&l->vms[l->count]))
            l->count++;
    qsort(l->vms, l->count, sizeof(*l->vms), by_name);
}

const struct board_vm *live_before(const struct live *earlier, const struct board_vm *vm)
{
    for (unsigned i = 0; i < earlier->count; i++)
        if (earlier->vms[i].pid == vm->pid && earlier->vms[i].state == BOARD_WATCHED &&
            earlier->vms[i].figures.since == vm->figures.since)
            return &earlier->vms[i];
    return NULL;
}

void live_rates(struct live_rates *r, const struct board_vm *now, const struct board_vm *before)
{
    const double second = 1e9, minute = 60;
    static const struct board_figures none;
    const struct board_figures *a = before ? &before->figures : &none, *b = &now->figures;
    uint64_t from = before ? a->now : b->since;

    *r = (struct live_rates){0};
    if (b->now <= from)
        return;
    r->seconds = (double)(b->now - from) / second;
    r->frames = (double)(b->frames - a->frames) / r->seconds;
    r->ooms = (double)(b->ooms - a->ooms) / r->seconds * minute;
    r->oom_share = (double)(b->oom_ns - a->oom_ns) / second / r->seconds;
    r->evictions = (double)(b->evictions - a->evictions) / r->seconds * minute;
    r->blocked = (double)(b->blocked - a->blocked) / r->seconds * minute;
    r->bytes = (double)(b->sent - a->sent) / r->seconds;
    r->lost = (double)(b->lost - a->lost) / r->seconds;
}

/* ---- JSON ---- */

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *by_reason(const uint64_t *counts, const struct tap_enum *reasons)
{
    json_t *o = json_object();

    for (size_t i = 0; i < reasons->count; i++)
        json_object_set_new(o, reasons->values[i].name,
                            count(counts[reasons->values[i].value % BOARD_REASONS]));
    return o;
}

static json_t *rates_json(const struct board_vm *vm)
{
    struct live_rates r;

    live_rates(&r, vm, NULL);
    return json_pack("{sf sf sf sf sf sf sf}", "frames_a_second", r.frames, "oom_episodes_a_minute",
                     r.ooms, "oom_share", r.oom_share, "evictions_a_minute", r.evictions,
                     "blocked_a_minute", r.blocked, "bytes_a_second", r.bytes, "lost_a_second",
                     r.lost);
}

static json_t *figures_json(const struct board_vm *vm)
{
    const struct board_figures *f = &vm->figures;

    return json_pack("{so so so s{so so so} s{so so so} s{so so so} so so s{so} so}", "since",
                     count(f->since), "now", count(f->now), "seconds",
                     json_real((double)(f->now - f->since) / 1e9), "streams", "running",
                     count(f->streams_running), "created", count(f->streams_created), "ended",
                     by_reason(f->streams_ended, &tap_enum_stop_reason), "frames", "streamed",
                     count(f->frames), "encoded", count(f->frames_encoded), "dropped",
                     by_reason(f->frames_dropped, &tap_enum_drop_reason), "memory", "oom_episodes",
                     count(f->ooms), "oom_ns", count(f->oom_ns), "evictions", count(f->evictions),
                     "blocked", count(f->blocked), "sent_bytes", count(f->sent), "losses", "events",
                     count(f->lost), "rates", rates_json(vm));
}

static const char *const states[] = {"free", "attaching", "watched", "failed"};

static json_t *vm_json(const struct board_vm *vm)
{
    json_t *o = vm->state == BOARD_WATCHED ? figures_json(vm) : json_object();

    json_object_set_new(o, "name", json_string(vm->name));
    json_object_set_new(o, "pid", json_integer(vm->pid));
    json_object_set_new(o, "state",
                        json_string(states[vm->state <= BOARD_FAILED ? vm->state : BOARD_FAILED]));
    if (*vm->why)
        json_object_set_new(o, "why", json_string(vm->why));
    return o;
}

json_t *live_json(const struct live *l)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < l->count; i++)
        json_array_append_new(list, vm_json(&l->vms[i]));
    return json_pack("{so si}", "vms", list, "not_watched", (int)l->beyond);
}
