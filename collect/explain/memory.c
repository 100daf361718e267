/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules over all out-of-memory episodes. */
#include "explain/explain.h"
#include "explain/presence.h"

/* libvirt's name of a domain's size, in the domain XML's <model type='qxl'>. */
static const char *const memory_names[8] = {
    [GUEST_DOMAIN_vram] = "ram", [GUEST_DOMAIN_surface] = "vram"};

static void ran_out(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_oom_begin, EV_oom_end, 0};
    struct finding f =
        finding_new(x, RULE_MEMORY_RAN_OUT, 0, 0, x->memory.kept.count ? "found" : "none");

    put_evidence(&f, (struct select){.kinds = {EV_oom_begin, EV_oom_end}});
    put_evidence(&f, (struct select){
                         .kinds = {EV_qxl_io_write}, .field = "port", .value = QXL_IO_notify_oom});
    if (x->memory.kept.count) {
        put_count(&f, "times", bounded_all(&x->memory.kept));
        put_rate(&f, "per_minute",
                 x->seconds > 0 ? bounded_all(&x->memory.kept) * 60 / x->seconds : 0);
    }
    if (x->memory.kept.count && !presence_of_waits(x, x->start, x->end)) {
        put_span(&f, "still_ns", waits_still(&x->waits));
        put_percent(&f, "still_percent", waits_still(&x->waits), (uint64_t)(x->seconds * 1e9));
        put_span(&f, "longest_still_ns", x->memory.longest_stall);
    }
    presence_needed(&f, x, needs);
    if (x->memory.only_deleting && !f.unsure && presence_of_waits(x, x->start, x->end) &&
        x->memory.only_deleting == bounded_all(&x->memory.kept)) {
        f.verdict = "false_alarms";
        put_evidence(&f, (struct select){.kinds = {EV_guest_delete}, .rule = SELECT_DELETES});
    }
    s->found(s, &f);
}

/* The same, of a spice-server without probes: QEMU's calls of it. */
static void called(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_spice_qxl_oom, 0};
    uint64_t times = x->counts.of_kind[EV_spice_qxl_oom];
    struct finding f = finding_new(x, RULE_MEMORY_CALLED, 0, 0, times ? "found" : "none");

    put_evidence(&f, (struct select){.kinds = {EV_spice_qxl_oom}});
    if (times) {
        put_count(&f, "times", times);
        put_rate(&f, "per_minute", x->seconds > 0 ? (double)times * 60 / x->seconds : 0);
    }
    presence_needed(&f, x, needs);
    s->found(s, &f);
}

static void evicted(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_evict, 0};
    struct finding f =
        finding_new(x, RULE_MEMORY_EVICTED, 0, 0, x->memory.all.evicted ? "found" : "none");

    put_evidence(&f, (struct select){.kinds = {EV_evict}});
    put_evidence(&f, (struct select){.kinds = {EV_trace_add},
                                     .field = "reason",
                                     .value = REMOVE_REASON_evicted});
    if (x->memory.all.evicted) {
        put_count(&f, "evicted", x->memory.all.evicted);
        put_count(&f, "streamable", x->memory.all.streamable);
        put_count(&f, "of_streams", x->memory.all.of_streams);
        put_count(&f, "traced", x->memory.traced_evicted);
        put_count(&f, "overwrote_young", x->memory.usable_evicted);
        put_span(&f, "young_ns", MODEL_MAX_DELTA);
    }
    presence_needed(&f, x, needs);
    s->found(s, &f);
}

static void waited(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_guest_wait_begin, EV_guest_wait_end, 0};
    struct finding f =
        finding_new(x, RULE_MEMORY_WAITED, 0, 0, x->waits.guest.longest ? "found" : "none");

    if (!x->has_guest)
        return;
    put_evidence(&f, (struct select){.kinds = {EV_guest_wait_begin, EV_guest_wait_end},
                                     .rule = SELECT_COUNTS});
    if (x->waits.guest.longest) {
        put_span(&f, "waited_ns", x->waits.guest.waited);
        put_percent(&f, "waited_percent", x->waits.guest.waited, (uint64_t)(x->seconds * 1e9));
        put_span(&f, "longest_ns", x->waits.guest.longest);
        put_time(&f, "longest_end_ns", x->waits.guest.longest_at);
    }
    presence_needed(&f, x, needs);
    if (!f.unsure && !presence_of_waits(x, x->start, x->end))
        f.unsure = UNSURE_GUEST_PART;
    s->found(s, &f);
}

static void dropped(const struct model *x, struct finder *s)
{
    struct finding f = finding_new(x, RULE_MEMORY_DROPPED, 0, 0, "found");

    if (!x->memory.dropped)
        return;
    put_count(&f, "calls", x->memory.dropped);
    put_span(&f, "linux_waits_ns", 15 * NS_PER_SECOND); /* qxl_fence_wait() */
    put_evidence(&f, (struct select){.kinds = {EV_qxl_spice_oom}, .rule = SELECT_COUNTS});
    s->found(s, &f);
}

/* What filled it, as far as the server holds it. */
static void held(const struct model *x, struct finder *s)
{
    const struct model_episode *most = &x->memory.most_held;
    struct finding f = finding_new(x, RULE_MEMORY_HELD, 0, 0, "found");

    if (!x->memory.sized)
        return;
    put_rate(&f, "drawables_mean", (double)x->memory.all.drawables / (double)x->memory.sized);
    put_bytes(&f, "mean_bytes", x->memory.all.held_bytes / x->memory.sized);
    put_time(&f, "most_at_ns", most->from);
    put_count(&f, "most_drawables", most->drawables);
    put_bytes(&f, "most_bytes", most->held_bytes);
    put_count(&f, "on_screen", most->current);
    put_count(&f, "in_dictionary", most->glz);
    put_count(&f, "waiting", most->pipes);
    put_evidence(&f, (struct select){.kinds = {EV_oom_begin}});
    if (x->memory.held.places.over) {
        f.unsure = UNSURE_TABLE;
        put_count(&f, "left_out", x->memory.held.places.over);
    }
    s->found(s, &f);
}

static void asked(const struct model *x, unsigned domain, struct finder *s)
{
    const struct model_domain *m = &x->memory.domains[domain];
    struct finding f = finding_new(x, RULE_MEMORY_ASKED, 0, domain, memory_names[domain]);

    if (!x->memory.named[domain])
        return;
    put_count(&f, "times", x->memory.named[domain]);
    put_word(&f, "memory", memory_names[domain]);
    if (m->known) {
        put_percent(&f, "fullest_percent", m->most, m->total);
        put_percent(&f, "emptiest_percent", m->least, m->total);
    }
    put_change(&f, x, domain == GUEST_DOMAIN_vram ? CHANGE_RAM : CHANGE_VRAM);
    put_evidence(&f, (struct select){.kinds = {EV_guest_bo}, .rule = SELECT_ASK, .value = domain});
    put_evidence(
        &f, (struct select){.kinds = {EV_guest_memory}, .rule = SELECT_FULLEST, .value = domain});
    s->found(s, &f);
}

/* Which memory, and who asked: the guest's own events name it. */
static void named(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_guest_bo, 0};
    struct finding f;

    for (unsigned d = GUEST_DOMAIN_vram; d <= GUEST_DOMAIN_surface; d++)
        asked(x, d, s);
    if (!x->memory.named[GUEST_DOMAIN_vram] && !x->memory.named[GUEST_DOMAIN_surface] &&
        x->memory.only_deleting < bounded_all(&x->memory.kept)) {
        f = finding_new(x, RULE_MEMORY_NOT_NAMED, 0, 0, "none");
        presence_needed(&f, x, needs);
        s->found(s, &f);
    }
    if (x->memory.only_deleting) {
        f = finding_new(x, RULE_MEMORY_FALSE_ALARMS, 0, 0,
                        x->memory.only_deleting == x->memory.kept.count &&
                                x->memory.only_deleting > 1
                            ? "all"
                            : "some");
        put_count(&f, "false_alarms", x->memory.only_deleting);
        put_count(&f, "times", bounded_all(&x->memory.kept));
        put_change(&f, x, CHANGE_NOT_MEMORY);
        put_evidence(&f, (struct select){.kinds = {EV_guest_delete}, .rule = SELECT_DELETES});
        presence_needed(&f, x, needs);
        s->found(s, &f);
    }
    if (x->memory.unsure) {
        f = finding_new(x, RULE_MEMORY_CLOCK, 0, 0, "inconclusive");
        f.unsure = UNSURE_CLOCK;
        put_count(&f, "times", x->memory.unsure);
        s->found(s, &f);
    }
}

/* What the fixed tables leave out. */
static void tables(const struct model *x, struct finder *s)
{
    struct finding f;

    if (x->memory.kept.over) {
        f = finding_new(x, RULE_MEMORY_TABLE, 0, 0, "inconclusive");
        f.unsure = UNSURE_TABLE;
        put_count(&f, "described", model_episodes(x));
        put_count(&f, "left_out", x->memory.kept.over);
        s->found(s, &f);
    }
    if (x->displays.places.over) {
        f = finding_new(x, RULE_DISPLAYS_TABLE, 0, 0, "inconclusive");
        f.unsure = UNSURE_TABLE;
        put_count(&f, "displays", MODEL_DISPLAYS);
        put_count(&f, "left_out", x->displays.places.over);
        s->found(s, &f);
    }
}

void find_memory(const struct model *x, struct finder *s)
{
    if (bundle_stock(x->bundle))
        called(x, s);
    else
        ran_out(x, s);
    if (x->memory.kept.count) {
        evicted(x, s);
        waited(x, s);
        dropped(x, s);
        held(x, s);
        if (x->has_guest) {
            named(x, s);
        } else {
            struct finding f = finding_new(x, RULE_MEMORY_NO_GUEST, 0, 0, "inconclusive");

            f.unsure = UNSURE_NO_GUEST;
            s->found(s, &f);
        }
    }
    tables(x, s);
}
