/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "line.h"

enum {
    PIECES_A_SECOND = 500, /* about so many pieces of a full line */
    PACKET = 1500,         /* the least piece: a packet of an Ethernet */
    PIECE_MOST = 65536,
    WINDOW = 65536, /* a lane holds this, and what the line does, for a reader who is late */
};

#define SECOND UINT64_C(1000000000)
#define LATE   (SECOND / 2)  /* a thread that is later than this has lost that time */
#define SLICE  (SECOND / 10) /* how often a sleeper looks whether to stop */

struct line {
    struct link_spec spec;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards the following, and all lanes */
    pthread_cond_t moved; /* any of it changed */
    uint64_t tickets, turn;
    uint64_t free_at; /* when all that was put has been sent */
};

struct line_lane {
    struct line *line;
    struct line_piece *first, **last;
    uint64_t bytes; /* in all pieces */
    uint64_t begun; /* when the last piece's bytes were there, had no thread been late */
    bool closed;
};

uint64_t line_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

void line_sleep(uint64_t time, const atomic_bool *stop)
{
    uint64_t now;

    while (!*stop && (now = line_now()) < time) {
        uint64_t rest = time - now < SLICE ? time - now : SLICE;

        nanosleep(&(struct timespec){.tv_nsec = (long)rest}, NULL);
    }
}

struct line *line_new(const struct link_spec *spec)
{
    struct line *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->spec = *spec;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->moved, NULL);
    return l;
}

void line_stop(struct line *l)
{
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
}

void line_free(struct line *l)
{
    if (!l)
        return;
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->moved);
    free(l);
}

size_t line_piece_size(const struct line *l)
{
    uint64_t part = l->spec.rate / PIECES_A_SECOND;

    return part > PIECE_MOST ? PIECE_MOST : part < PACKET ? PACKET : (size_t)part;
}

struct line_lane *line_lane_new(struct line *l)
{
    struct line_lane *lane = calloc(1, sizeof(*lane));

    if (lane) {
        lane->line = l;
        lane->last = &lane->first;
    }
    return lane;
}

void line_lane_free(struct line_lane *lane)
{
    while (lane && lane->first) {
        struct line_piece *p = lane->first;

        lane->first = p->next;
        free(p);
    }
    free(lane);
}

/* ---- putting ----------------------------------------------------------------------------------
 */

static uint64_t span(const struct line *l, uint64_t bytes)
{
    return bytes * SECOND / l->spec.rate;
}

/* Waits, with the lock held, until the lane has room for `size` bytes and it is our turn. */
static void wait_turn(struct line *l, const struct line_lane *lane, size_t size)
{
    const uint64_t most = l->spec.queue + l->spec.rate * (l->spec.rtt / 1000000) / 1000 + WINDOW;
    uint64_t ticket;

    while (!l->stop && lane->bytes + size > most)
        pthread_cond_wait(&l->moved, &l->lock);
    ticket = l->tickets++;
    while (!l->stop && l->turn != ticket)
        pthread_cond_wait(&l->moved, &l->lock);
}

/* It is our turn, so nobody else changes free_at while the lock is open. */
static void wait_room(struct line *l, struct line_lane *lane, size_t size)
{
    uint64_t room = l->spec.queue > size ? l->spec.queue - size : 0, full = span(l, room);
    uint64_t from = l->free_at > full ? l->free_at - full : 0;

    lane->begun = from > lane->begun ? from : lane->begun;
    pthread_mutex_unlock(&l->lock);
    line_sleep(from, &l->stop);
    pthread_mutex_lock(&l->lock);
}

/* The piece is sent behind all that waits, and not before its bytes were there: a line that idled
 * has saved nothing for it. A thread that is late costs the line none of its rate, and makes no
 * delay shorter. */
static void send_off(struct line *l, struct line_lane *lane, struct line_piece *p)
{
    uint64_t now = line_now();

    l->free_at = (l->free_at > lane->begun ? l->free_at : lane->begun) + span(l, p->size);
    p->due = (l->free_at > now ? l->free_at : now) + l->spec.rtt / 2;
    *lane->last = p;
    lane->last = &p->next;
    lane->bytes += p->size;
}

bool line_put(struct line_lane *lane, const void *bytes, size_t size, bool waited)
{
    uint64_t now = line_now();
    struct line *l = lane->line;
    struct line_piece *p = malloc(sizeof(*p) + size);
    bool sent;

    if (!p)
        return false;
    p->next = NULL;
    p->size = size;
    memcpy(p->bytes, bytes, size);
    pthread_mutex_lock(&l->lock);
    if (!waited || lane->begun + LATE < now)
        lane->begun = now;
    wait_turn(l, lane, size);
    wait_room(l, lane, size);
    sent = !l->stop;
    if (sent)
        send_off(l, lane, p);
    l->turn++;
    pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
    if (!sent)
        free(p);
    return sent;
}

void line_close(struct line_lane *lane)
{
    pthread_mutex_lock(&lane->line->lock);
    lane->closed = true;
    pthread_cond_broadcast(&lane->line->moved);
    pthread_mutex_unlock(&lane->line->lock);
}

/* ---- taking -----------------------------------------------------------------------------------
 */

struct line_piece *line_take(struct line_lane *lane)
{
    struct line *l = lane->line;
    struct line_piece *p;

    pthread_mutex_lock(&l->lock);
    while (!l->stop && !lane->first && !lane->closed)
        pthread_cond_wait(&l->moved, &l->lock);
    p = l->stop ? NULL : lane->first;
    pthread_mutex_unlock(&l->lock);
    if (!p)
        return NULL;
    line_sleep(p->due, &l->stop);
    pthread_mutex_lock(&l->lock);
    lane->first = p->next;
    if (!lane->first)
        lane->last = &lane->first;
    lane->bytes -= p->size;
    pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
    return p;
}
