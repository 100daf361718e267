/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's memory and two command rings, and the callbacks of the QXL device. */
#include "driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Ids cannot be mistaken for an address or a small number, and need more than 32 bits. */
#define FIRST_ID 0x7e57000000000001ull

#define NAME(verdict) [DRAW_VERDICT_##verdict] = #verdict
const char *const verdict_names[VERDICTS] = {
    NAME(can_stream), NAME(video_off), NAME(not_primary), NAME(not_opaque),
    NAME(not_copy),   NAME(not_put),   NAME(not_bitmap),  NAME(too_small),
    NAME(shadow),     NAME(empty),     NAME(rejected),    NAME(malformed),
};
#undef NAME

const char *const draw_kind_names[DRAW_KINDS] = {
    "copy",         "text",      "bottom-up", "fill",    "invers",    "blend",      "xor",
    "from-surface", "copy-bits", "clipped",   "outside", "bad-image", "clip-frame", "desktop"};

enum command_kind { COMMAND_DRAW, COMMAND_SURFACE, COMMAND_CURSOR };

static const char *const command_names[] = {"draw", "surface", "cursor"};

/* One command in guest memory. All members of the union begin with their release info. */
struct command {
    QXLCommandExt ext;
    uint64_t id;
    uint64_t bytes; /* of guest memory that it occupies */
    enum command_kind kind;
    union {
        QXLReleaseInfo info;
        QXLDrawable drawable;
        QXLSurfaceCmd surface;
        QXLCursorCmd cursor;
    } u;
    QXLImage image;
    struct {
        QXLClipRects head;
        QXLRect rect;
    } clip;
};

static struct guest *guest_of(QXLInstance *qxl)
{
    return (struct guest *)((char *)qxl - offsetof(struct guest, qxl));
}

/* ---- rings ------------------------------------------------------------------------------- */

static unsigned ring_used(const struct ring *r)
{
    return r->tail - r->head;
}

static struct command *ring_pop(struct ring *r)
{
    if (!ring_used(r))
        return NULL;
    return r->slots[r->head++ % RING_MAX];
}

/* Waits for room in a ring, puts the command there, and wakes the server if it asked for that. */
static void ring_push(struct guest *g, struct ring *r, struct command *c)
{
    pthread_mutex_lock(&g->lock);
    while (ring_used(r) >= r->depth || (g->lockstep && !r->notify))
        pthread_cond_wait(&g->moved, &g->lock);
    r->slots[r->tail++ % RING_MAX] = c;
    g->outstanding++;
    g->outstanding_bytes += c->bytes;
    g->counts.commands_sent++;
    bool notify = r->notify;
    r->notify = false;
    g->counts.wakeups += notify;
    pthread_mutex_unlock(&g->lock);
    if (notify)
        spice_qxl_wakeup(&g->qxl);
}

static struct command *command_new(struct guest *g, enum command_kind kind, uint32_t type)
{
    struct command *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->kind = kind;
    c->ext.cmd.type = type;
    c->ext.cmd.data = (uintptr_t)&c->u;
    c->id = c->u.info.id = g->next_id++;
    return c;
}

/* ---- called by the server ---------------------------------------------------------------- */

static void add_memslot(struct guest *g)
{
    /* One slot is the whole address space. The two top bits of an address are id and generation. */
    QXLDevMemSlot slot = {.virt_end = ~0ul >> 2, .qxl_ram_size = ~0u};
    spice_qxl_add_memslot(&g->qxl, &slot);
}

static void attached_worker(QXLInstance *qxl)
{
    add_memslot(guest_of(qxl));
}

static void set_compression_level(QXLInstance *qxl, int level)
{
    (void)qxl;
    (void)level;
}

static void get_init_info(QXLInstance *qxl, QXLDevInitInfo *info)
{
    (void)qxl;
    *info = (QXLDevInitInfo){.num_memslots_groups = 1,
                             .num_memslots = 1,
                             .memslot_gen_bits = 1,
                             .memslot_id_bits = 1,
                             .n_surfaces = SURFACES_MAX};
}

static void note_worker(struct guest *g)
{
    if (g->worker_known)
        return;
    g->worker = pthread_self();
    g->worker_tid = gettid();
    g->worker_known = true;
}

static int get_command(QXLInstance *qxl, struct QXLCommandExt *ext)
{
    struct guest *g = guest_of(qxl);
    pthread_mutex_lock(&g->lock);
    note_worker(g);
    struct command *c = ring_pop(&g->commands);
    if (c) {
        *ext = c->ext;
        g->counts.commands_taken++;
        pthread_cond_broadcast(&g->moved);
    }
    pthread_mutex_unlock(&g->lock);
    return c != NULL;
}

static int get_cursor_command(QXLInstance *qxl, struct QXLCommandExt *ext)
{
    struct guest *g = guest_of(qxl);
    pthread_mutex_lock(&g->lock);
    struct command *c = ring_pop(&g->cursors);
    if (c) {
        *ext = c->ext;
        g->counts.cursors_taken++;
        pthread_cond_broadcast(&g->moved);
    }
    pthread_mutex_unlock(&g->lock);
    return c != NULL;
}

/* The server wants to be woken for the next command. False: there is one already. */
static int request_notification(struct guest *g, struct ring *r)
{
    pthread_mutex_lock(&g->lock);
    bool armed = !ring_used(r);
    r->notify = r->notify || armed;
    g->counts.notify_requests++;
    g->counts.notify_armed += armed;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
    return armed;
}

static int req_cmd_notification(QXLInstance *qxl)
{
    struct guest *g = guest_of(qxl);
    return request_notification(g, &g->commands);
}

static int req_cursor_notification(QXLInstance *qxl)
{
    struct guest *g = guest_of(qxl);
    return request_notification(g, &g->cursors);
}

static void release_resource(QXLInstance *qxl, struct QXLReleaseInfoExt ext)
{
    struct guest *g = guest_of(qxl);
    struct command *c = (struct command *)((char *)ext.info - offsetof(struct command, u));
    pthread_mutex_lock(&g->lock);
    g->counts.releases++;
    g->counts.draw_releases += c->kind == COMMAND_DRAW;
    g->counts.wrong_releases += ext.info->id != c->id || ext.group_id != 0;
    g->outstanding--;
    g->outstanding_bytes -= c->bytes;
    if (g->account)
        fprintf(g->account, "release 0x%" PRIx64 " %s\n", (uint64_t)ext.info->id,
                command_names[c->kind]);
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
    free(c);
}

static void notify_update(QXLInstance *qxl, uint32_t id)
{
    (void)qxl;
    (void)id;
}

static void *report_oom(void *qxl)
{
    spice_qxl_oom(qxl);
    return NULL;
}

/* Reports out-of-memory from another thread, as a guest's processor would while the worker is in
 * flush_resources. The call can block until the worker takes messages again, so nobody joins it. */
static void oom_from_a_cpu(QXLInstance *qxl)
{
    pthread_t cpu;

    if (!pthread_create(&cpu, NULL, report_oom, qxl)) {
        pthread_detach(cpu);
        usleep(20000);
    }
}

static int flush_resources(QXLInstance *qxl)
{
    struct guest *g = guest_of(qxl);
    pthread_mutex_lock(&g->lock);
    int answer = g->flush_answer;
    bool again = g->oom_again > 0;
    g->oom_again -= again;
    g->counts.flushes++;
    if (g->account)
        fprintf(g->account, "flush %d\n", answer);
    pthread_mutex_unlock(&g->lock);
    if (again)
        oom_from_a_cpu(qxl);
    return answer;
}

static void set_client_capabilities(QXLInstance *qxl, uint8_t present, uint8_t caps[58])
{
    struct guest *g = guest_of(qxl);
    (void)caps;
    pthread_mutex_lock(&g->lock);
    g->client = present;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

static const QXLInterface device = {
    .base = {.type = SPICE_INTERFACE_QXL,
             .description = "stack driver",
             .major_version = SPICE_INTERFACE_QXL_MAJOR,
             .minor_version = SPICE_INTERFACE_QXL_MINOR},
    .attached_worker = attached_worker,
    .set_compression_level = set_compression_level,
    .get_init_info = get_init_info,
    .get_command = get_command,
    .req_cmd_notification = req_cmd_notification,
    .release_resource = release_resource,
    .get_cursor_command = get_cursor_command,
    .req_cursor_notification = req_cursor_notification,
    .notify_update = notify_update,
    .flush_resources = flush_resources,
    .set_client_capabilities = set_client_capabilities,
};

/* ---- drawing ------------------------------------------------------------------------------- */

static QXLRect rect_of(int32_t x, int32_t y, int32_t width, int32_t height)
{
    return (QXLRect){.left = x, .top = y, .right = x + width, .bottom = y + height};
}

static int image_bitmap(struct command *c, const struct draw *d, int32_t width, int32_t height)
{
    enum picture_style style = d->kind == DRAW_TEXT         ? PICTURE_TEXT
                               : d->kind == DRAW_CLIP_FRAME ? PICTURE_CLIP
                               : d->kind == DRAW_DESKTOP    ? PICTURE_DESKTOP
                                                            : PICTURE_NATURAL;
    const struct picture *p = picture_get(width, height, style, d->phase);
    if (!p)
        return -ENOMEM;
    QXLBitmap *b = &c->image.bitmap;
    QXL_SET_IMAGE_ID(&c->image, QXL_IMAGE_GROUP_DRIVER_DONT_CACHE, (uint32_t)c->id);
    c->image.descriptor.type = SPICE_IMAGE_TYPE_BITMAP;
    c->image.descriptor.width = b->x = width;
    c->image.descriptor.height = b->y = height;
    b->format = SPICE_BITMAP_FMT_32BIT;
    b->flags = QXL_BITMAP_DIRECT | (d->kind == DRAW_BOTTOM_UP ? 0 : QXL_BITMAP_TOP_DOWN);
    /* A bad image has a stride that is too short for a line. The server must reject it. */
    b->stride = d->kind == DRAW_BAD_IMAGE ? 4 : width * 4;
    b->data = (uintptr_t)p->pixels;
    c->bytes += (uint64_t)width * height * 4;
    return 0;
}

static void image_surface(struct command *c, uint32_t surface, int32_t width, int32_t height)
{
    QXL_SET_IMAGE_ID(&c->image, QXL_IMAGE_GROUP_DEVICE, (uint32_t)c->id);
    c->image.descriptor.type = SPICE_IMAGE_TYPE_SURFACE;
    c->image.descriptor.width = width;
    c->image.descriptor.height = height;
    c->image.surface_image.surface_id = surface;
    c->u.drawable.surfaces_dest[0] = surface;
    c->u.drawable.surfaces_rects[0] = rect_of(0, 0, width, height);
}

static int fill_copy(struct command *c, const struct draw *d)
{
    int32_t width = d->src_width ? d->src_width : d->width;
    int32_t height = d->src_height ? d->src_height : d->height;
    QXLCopy *copy = &c->u.drawable.u.copy;
    c->u.drawable.type = QXL_DRAW_COPY;
    c->u.drawable.effect = d->kind == DRAW_BLEND ? QXL_EFFECT_BLEND : QXL_EFFECT_OPAQUE;
    copy->rop_descriptor = d->kind == DRAW_XOR ? SPICE_ROPD_OP_XOR : SPICE_ROPD_OP_PUT;
    copy->src_bitmap = (uintptr_t)&c->image;
    copy->src_area = rect_of(0, 0, width, height);
    if (d->kind != DRAW_FROM_SURFACE)
        return image_bitmap(c, d, width, height);
    /* The source is surface 1, which the script must have created. */
    image_surface(c, 1, width, height);
    return 0;
}

static int fill_drawable(struct command *c, const struct draw *d)
{
    QXLDrawable *q = &c->u.drawable;
    q->surface_id = d->surface;
    q->bbox = rect_of(d->x, d->y, d->width, d->height);
    q->effect = QXL_EFFECT_OPAQUE;
    q->surfaces_dest[0] = q->surfaces_dest[1] = q->surfaces_dest[2] = -1;
    switch (d->kind) {
    case DRAW_FILL:
        q->type = QXL_DRAW_FILL;
        q->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
        q->u.fill.brush.u.color = 0x204060 + d->phase * 0x010203;
        q->u.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
        return 0;
    case DRAW_INVERS:
        q->type = QXL_DRAW_INVERS;
        return 0;
    case DRAW_COPY_BITS:
        q->type = QXL_COPY_BITS;
        q->u.copy_bits.src_pos = (QXLPoint){.x = d->x, .y = d->y + 16};
        return 0;
    case DRAW_CLIPPED:
        c->clip.head.num_rects = 1;
        c->clip.head.chunk.data_size = sizeof(QXLRect);
        memcpy(c->clip.head.chunk.data, &(QXLRect){.left = 1, .right = 2, .top = 1, .bottom = 2},
               sizeof(QXLRect));
        q->clip.type = SPICE_CLIP_TYPE_RECTS;
        q->clip.data = (uintptr_t)&c->clip;
        return fill_copy(c, d);
    case DRAW_OUTSIDE:
        q->bbox.left = -d->width;
        return fill_copy(c, d);
    default:
        return fill_copy(c, d);
    }
}

static bool fits_surface(const struct guest *g, const struct draw *d)
{
    if (d->kind == DRAW_OUTSIDE || d->surface >= SURFACES_MAX)
        return false;
    const struct surface *s = &g->surfaces[d->surface];
    return s->memory && d->x >= 0 && d->y >= 0 && d->x + d->width <= s->width &&
           d->y + d->height <= s->height;
}

/* An independent version of drawable_can_stream, with its tests in the same order. */
static enum tap_draw_verdict expected(const struct guest *g, const struct draw *d)
{
    if (d->kind == DRAW_BAD_IMAGE)
        return DRAW_VERDICT_malformed;
    if (!fits_surface(g, d))
        return DRAW_VERDICT_rejected;
    int32_t width = d->src_width ? d->src_width : d->width;
    int32_t height = d->src_height ? d->src_height : d->height;
    if (d->kind == DRAW_CLIPPED)
        return DRAW_VERDICT_empty;
    if (d->kind == DRAW_COPY_BITS)
        return DRAW_VERDICT_shadow;
    if (g->video_off)
        return DRAW_VERDICT_video_off;
    if (d->surface)
        return DRAW_VERDICT_not_primary;
    if (d->kind == DRAW_BLEND)
        return DRAW_VERDICT_not_opaque;
    if (d->kind == DRAW_FILL || d->kind == DRAW_INVERS)
        return DRAW_VERDICT_not_copy;
    if (d->kind == DRAW_XOR)
        return DRAW_VERDICT_not_put;
    if (d->kind == DRAW_FROM_SURFACE)
        return DRAW_VERDICT_not_bitmap;
    return width * height < 96 * 96 ? DRAW_VERDICT_too_small : DRAW_VERDICT_can_stream;
}

static void account_draw(struct guest *g, const struct command *c, const struct draw *d)
{
    const QXLDrawable *q = &c->u.drawable;
    enum tap_draw_verdict v = expected(g, d);
    int32_t sw = 0, sh = 0;
    if (q->type == QXL_DRAW_COPY) {
        sw = q->u.copy.src_area.right - q->u.copy.src_area.left;
        sh = q->u.copy.src_area.bottom - q->u.copy.src_area.top;
    }
    pthread_mutex_lock(&g->lock);
    g->counts.draws++;
    g->counts.verdicts[v]++;
    if (g->account)
        fprintf(g->account, "draw 0x%" PRIx64 " %s %u %u %u %d %d %d %d %d %d %s\n", c->id,
                draw_kind_names[d->kind], q->type, q->effect, q->surface_id, q->bbox.left,
                q->bbox.top, q->bbox.right, q->bbox.bottom, sw, sh, verdict_names[v]);
    pthread_mutex_unlock(&g->lock);
}

/* A guest without free memory reports that again and again while it waits, like qxl_fence_wait. */
static void wait_for_memory(struct guest *g, uint64_t bytes)
{
    for (;;) {
        pthread_mutex_lock(&g->lock);
        bool fits = !g->memory_limit || !g->outstanding_bytes ||
                    g->outstanding_bytes + bytes <= g->memory_limit;
        pthread_mutex_unlock(&g->lock);
        if (fits)
            return;
        guest_oom(g);
        usleep(10000);
    }
}

int guest_draw(struct guest *g, const struct draw *d)
{
    struct command *c = command_new(g, COMMAND_DRAW, QXL_CMD_DRAW);
    if (!c)
        return -ENOMEM;
    int err = fill_drawable(c, d);
    if (err) {
        free(c);
        return err;
    }
    c->bytes += sizeof(*c);
    wait_for_memory(g, c->bytes);
    account_draw(g, c, d);
    ring_push(g, &g->commands, c);
    return 0;
}

/* ---- surfaces, cursor, memory ---------------------------------------------------------------- */

static int surface_memory(struct surface *s, uint32_t width, uint32_t height)
{
    s->memory = calloc((size_t)width * height, 4);
    if (!s->memory)
        return -ENOMEM;
    s->width = width;
    s->height = height;
    return 0;
}

static void surface_free(struct surface *s)
{
    free(s->memory);
    *s = (struct surface){0};
}

static int surface_command(struct guest *g, uint32_t id, uint8_t type, uint32_t width,
                           uint32_t height)
{
    struct command *c = command_new(g, COMMAND_SURFACE, QXL_CMD_SURFACE);
    if (!c)
        return -ENOMEM;
    QXLSurfaceCmd *s = &c->u.surface;
    s->surface_id = id;
    s->type = type;
    s->u.surface_create.format = SPICE_SURFACE_FMT_32_xRGB;
    s->u.surface_create.width = width;
    s->u.surface_create.height = height;
    s->u.surface_create.stride = width * 4;
    s->u.surface_create.data = (uintptr_t)g->surfaces[id].memory;
    ring_push(g, &g->commands, c);
    return 0;
}

int guest_surface_create(struct guest *g, uint32_t id, uint32_t width, uint32_t height)
{
    if (id == 0 || id >= SURFACES_MAX || g->surfaces[id].memory)
        return -EINVAL;
    int err = surface_memory(&g->surfaces[id], width, height);
    if (err)
        return err;
    g->counts.surfaces_made++;
    return surface_command(g, id, QXL_SURFACE_CMD_CREATE, width, height);
}

int guest_surface_destroy(struct guest *g, uint32_t id)
{
    if (id == 0 || id >= SURFACES_MAX || !g->surfaces[id].memory)
        return -EINVAL;
    g->counts.surfaces_gone++;
    int err = surface_command(g, id, QXL_SURFACE_CMD_DESTROY, 0, 0);
    if (err)
        return err;
    /* The server can read the memory until it has released all drawings on the surface. */
    g_ptr_array_add(g->kept, g->surfaces[id].memory);
    g->surfaces[id].memory = NULL;
    return 0;
}

int guest_cursor(struct guest *g, int x, int y)
{
    struct command *c = command_new(g, COMMAND_CURSOR, QXL_CMD_CURSOR);
    if (!c)
        return -ENOMEM;
    c->u.cursor.type = QXL_CURSOR_MOVE;
    c->u.cursor.u.position = (QXLPoint16){.x = x, .y = y};
    g->counts.cursors++;
    ring_push(g, &g->cursors, c);
    return 0;
}

void guest_oom(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
    g->counts.oom_calls++;
    if (g->account)
        fprintf(g->account, "oom\n");
    pthread_mutex_unlock(&g->lock);
    spice_qxl_oom(&g->qxl);
    /* The server merges a call with one that is still pending. This message is answered after the
     * call, so each call is one episode. */
    add_memslot(g);
}

void guest_update(struct guest *g, uint32_t surface)
{
    if (surface >= SURFACES_MAX || !g->surfaces[surface].memory)
        return;
    QXLRect area = {.right = g->surfaces[surface].width, .bottom = g->surfaces[surface].height};
    spice_qxl_update_area(&g->qxl, surface, &area, NULL, 0, 1);
}

/* ---- waiting --------------------------------------------------------------------------------- */

void guest_settle(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
    while (ring_used(&g->commands) || ring_used(&g->cursors))
        pthread_cond_wait(&g->moved, &g->lock);
    pthread_mutex_unlock(&g->lock);
    /* The worker answers this message between two rounds of commands, so the last one is done. */
    add_memslot(g);
}

static struct timespec in_ms(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000l;
    if (t.tv_nsec >= 1000000000l) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000l;
    }
    return t;
}

bool guest_drain(struct guest *g, int ms)
{
    struct timespec until = in_ms(ms);
    pthread_mutex_lock(&g->lock);
    while (g->outstanding && pthread_cond_timedwait(&g->moved, &g->lock, &until) != ETIMEDOUT)
        ;
    bool empty = !g->outstanding;
    pthread_mutex_unlock(&g->lock);
    return empty;
}

bool guest_wait_client(struct guest *g, bool present, int ms)
{
    struct timespec until = in_ms(ms);
    pthread_mutex_lock(&g->lock);
    while (g->client != present && pthread_cond_timedwait(&g->moved, &g->lock, &until) != ETIMEDOUT)
        ;
    bool ok = g->client == present;
    pthread_mutex_unlock(&g->lock);
    return ok;
}

uint64_t guest_worker_cpu(struct guest *g)
{
    clockid_t clock;
    struct timespec t;
    if (!g->worker_known || pthread_getcpuclockid(g->worker, &clock) || clock_gettime(clock, &t))
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

/* ---- start and end --------------------------------------------------------------------------- */

static void screen_destroy(void *arg)
{
    struct guest *g = arg;
    spice_qxl_destroy_primary_surface(&g->qxl, 0);
}

static void screen_create(void *arg)
{
    struct guest *g = arg;
    const struct surface *p = &g->surfaces[0];
    QXLDevSurfaceCreate s = {.width = p->width,
                             .height = p->height,
                             .stride = -p->width * 4,
                             .format = SPICE_SURFACE_FMT_32_xRGB,
                             .mouse_mode = 1,
                             .mem = (uintptr_t)p->memory};
    spice_qxl_create_primary_surface(&g->qxl, 0, &s);
}

int guest_screen(struct guest *g, uint32_t width, uint32_t height)
{
    if (g->surfaces[0].memory) {
        core_call(screen_destroy, g);
        surface_free(&g->surfaces[0]);
    }
    if (!width || !height)
        return 0;
    int err = surface_memory(&g->surfaces[0], width, height);
    if (!err)
        core_call(screen_create, g);
    return err;
}

int guest_init(struct guest *g, SpiceServer *server, unsigned ring_depth, int display)
{
    *g = (struct guest){
        .server = server, .next_id = FIRST_ID, .kept = g_ptr_array_new_with_free_func(free)};
    g->qxl.base.sif = &device.base;
    g->qxl.id = display;
    g->commands.depth = g->cursors.depth = ring_depth;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->moved, NULL);
    return spice_server_add_interface(server, &g->qxl.base) ? -EIO : 0;
}

void guest_free(struct guest *g)
{
    for (int i = 0; i < SURFACES_MAX; i++)
        surface_free(&g->surfaces[i]);
    g_ptr_array_free(g->kept, TRUE);
    pthread_cond_destroy(&g->moved);
    pthread_mutex_destroy(&g->lock);
}
