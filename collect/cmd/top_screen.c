/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <curses.h>
#include <inttypes.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "clock/run_time.h"
#include "cmd/top_screen.h"
#include "cmd/top_table.h"
#include "event/event.h"

enum {
    ENTER = '\n',
    ESCAPE = 27,
    ESCAPE_MS = 25, /* a key that sends ESC and more sends it sooner */
    ROWS_AT = 3,
    FIRST_MS = 300, /* until a VM is seen */
    LEAST_NAME = 10,
    MOST_NAME = 40,
};

struct screen {
    const struct board *board;
    struct live *now, *before;
    struct live_rates rates[BOARD_VMS];
    unsigned order[BOARD_VMS]; /* places in `now`, as they are shown */
    unsigned sort;             /* a column */
    bool turned, inside;       /* the other way round; one VM alone is shown */
    pid_t chosen;
    unsigned first; /* line of the list at the top */
};

static struct screen *sorted; /* for qsort */

static int compare(const void *a, const void *b)
{
    const struct screen *s = sorted;
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    int order = top_order(s->sort, &s->now->vms[x], &s->rates[x], &s->now->vms[y], &s->rates[y]);

    if (s->turned)
        order = -order;
    return order ? order : (x > y) - (x < y);
}

static void arrange(struct screen *s)
{
    for (unsigned i = 0; i < s->now->count; i++)
        s->order[i] = i;
    sorted = s;
    qsort(s->order, s->now->count, sizeof(*s->order), compare);
}

static void take(struct screen *s)
{
    struct live *old = s->before;

    s->before = s->now;
    s->now = old;
    live_take(s->now, s->board);
    for (unsigned i = 0; i < s->now->count; i++)
        live_rates(&s->rates[i], &s->now->vms[i], live_before(s->before, &s->now->vms[i]));
    arrange(s);
}

/* The line of the chosen VM; the first one where it is gone. */
static unsigned chosen_line(struct screen *s)
{
    for (unsigned i = 0; i < s->now->count; i++)
        if (s->now->vms[s->order[i]].pid == s->chosen)
            return i;
    s->chosen = s->now->count ? s->now->vms[s->order[0]].pid : 0;
    return 0;
}

static void choose(struct screen *s, int step)
{
    int line = (int)chosen_line(s) + step, last = (int)s->now->count - 1;

    if (last < 0)
        return;
    line = line < 0 ? 0 : line > last ? last : line;
    s->chosen = s->now->vms[s->order[line]].pid;
}

/* ---- drawing ---- */

static void draw_list(struct screen *s)
{
    unsigned room = LINES > ROWS_AT + 1 ? (unsigned)(LINES - ROWS_AT - 1) : 1;
    unsigned line = chosen_line(s);
    char text[TOP_LINE];
    int name = COLS - TOP_FIGURES < LEAST_NAME  ? LEAST_NAME
               : COLS - TOP_FIGURES > MOST_NAME ? MOST_NAME
                                                : COLS - TOP_FIGURES;

    if (line < s->first)
        s->first = line;
    if (line >= s->first + room)
        s->first = line - room + 1;
    top_head(text, sizeof(text), name);
    attron(A_BOLD);
    mvaddnstr(ROWS_AT - 1, 0, text, COLS);
    attroff(A_BOLD);
    for (unsigned i = s->first; i < s->now->count && i < s->first + room; i++) {
        unsigned at = s->order[i];

        top_row(text, sizeof(text), name, &s->now->vms[at], &s->rates[at]);
        if (i == line)
            attron(A_REVERSE);
        mvaddnstr(ROWS_AT + (int)(i - s->first), 0, text, COLS);
        if (i == line)
            attroff(A_REVERSE);
    }
    if (!s->now->count)
        mvaddstr(ROWS_AT, 0, "no VM with a name runs on this host");
}

static void draw_reasons(WINDOW *room, const char *what, const uint64_t *counts,
                         const struct tap_enum *reasons)
{
    for (size_t i = 0; i < reasons->count; i++)
        if (counts[reasons->values[i].value % BOARD_REASONS])
            wprintw(room, "  %s %-14s %12" PRIu64 "   %s\n", what, reasons->values[i].name,
                    counts[reasons->values[i].value % BOARD_REASONS], reasons->values[i].help);
}

static void draw_one(WINDOW *room, const struct board_vm *vm)
{
    const struct board_figures *f = &vm->figures;

    wprintw(room, "%s (pid %d): since it is watched, %.0f s\n\n", vm->name, vm->pid,
            (double)(f->now - f->since) / 1e9);
    if (vm->state != BOARD_WATCHED) {
        wprintw(room, "%s\n", vm->state == BOARD_ATTACHING ? "attaching" : vm->why);
        return;
    }
    wprintw(room, "  events lost            %12" PRIu64 "   the counts below are so much too low\n",
            f->lost);
    wprintw(room, "  streams running        %12" PRIu64 "\n", f->streams_running);
    wprintw(room, "  streams created        %12" PRIu64 "\n", f->streams_created);
    draw_reasons(room, "  ended:  ", f->streams_ended, &tap_enum_stop_reason);
    wprintw(room, "  frames of streams      %12" PRIu64 "\n", f->frames);
    wprintw(room, "  frames encoded         %12" PRIu64 "   once for each client\n",
            f->frames_encoded);
    draw_reasons(room, "  dropped:", f->frames_dropped, &tap_enum_drop_reason);
    wprintw(room, "  out-of-memory          %12" PRIu64 "   %.3f s in all\n", f->ooms,
            (double)f->oom_ns / 1e9);
    wprintw(room, "  evictions              %12" PRIu64 "\n", f->evictions);
    wprintw(room, "  blocked                %12" PRIu64 "   a client's pipe was too long\n",
            f->blocked);
    wprintw(room, "  bytes sent             %12" PRIu64 "\n", f->sent);
}

static const struct board_vm *chosen(const struct screen *s)
{
    for (unsigned i = 0; i < s->now->count; i++)
        if (s->now->vms[i].pid == s->chosen)
            return &s->now->vms[i];
    return NULL;
}

/* On a window that ends above the last line: what does not fit is left out. */
static void draw_inside(const struct screen *s)
{
    const struct board_vm *vm = chosen(s);
    WINDOW *room = LINES > ROWS_AT + 1 ? newwin(LINES - ROWS_AT, COLS, ROWS_AT - 1, 0) : NULL;

    if (room && vm)
        draw_one(room, vm);
    else if (room)
        waddstr(room, "this VM has ended");
    if (room) {
        wnoutrefresh(room);
        delwin(room);
    }
}

static void draw(struct screen *s)
{
    unsigned watched = 0;

    for (unsigned i = 0; i < s->now->count; i++)
        watched += s->now->vms[i].state == BOARD_WATCHED;
    erase();
    mvprintw(0, 0, "spicetap top: %u of %u VMs watched", watched, s->now->count + s->now->beyond);
    if (!s->inside)
        draw_list(s);
    attron(A_DIM);
    if (s->inside)
        mvaddnstr(LINES - 1, 0, "Esc: all VMs   arrows: the next VM   q: end", COLS - 1);
    else
        mvprintw(LINES - 1, 0,
                 "arrows: choose   Enter: look into   s: sort by (%s)   r: turn   "
                 "q: end",
                 top_title(s->sort));
    attroff(A_DIM);
    wnoutrefresh(stdscr);
    if (s->inside)
        draw_inside(s);
    doupdate();
}

/* ---- keys ---- */

/* False: it ends. */
static bool key(struct screen *s, int pressed)
{
    switch (pressed) {
    case 'q':
        return false;
    case KEY_UP:
    case 'k':
        choose(s, -1);
        break;
    case KEY_DOWN:
    case 'j':
        choose(s, 1);
        break;
    case ENTER:
    case KEY_ENTER:
    case KEY_RIGHT:
        s->inside = true;
        break;
    case ESCAPE:
    case KEY_LEFT:
    case KEY_BACKSPACE:
        s->inside = false;
        break;
    case 's':
        s->sort = (s->sort + 1) % TOP_COLUMNS;
        arrange(s);
        break;
    case 'r':
        s->turned = !s->turned;
        arrange(s);
        break;
    default:
        break;
    }
    return true;
}

/* False: it ends. */
static bool keys(struct screen *s)
{
    int pressed;

    while ((pressed = getch()) != ERR)
        if (!key(s, pressed))
            return false;
    return true;
}

static int64_t now_ms(void)
{
    return (int64_t)(run_time_now(&(struct run_time){0}) / 1000000);
}

static void run(struct screen *s, int stop, unsigned delay)
{
    struct pollfd fds[] = {{.fd = stop, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};

    while (true) {
        int64_t next = now_ms() + (int64_t)(s->now->count ? delay * 1000 : FIRST_MS), left;

        while ((left = next - now_ms()) > 0) {
            draw(s); /* also after a key, and a change of the terminal's size */
            if (poll(fds, 2, (int)left) > 0 &&
                (fds[0].revents || (fds[1].revents & (POLLHUP | POLLERR)) || !keys(s)))
                return;
        }
        take(s);
    }
}

static int draw_until(struct screen *s, int stop, unsigned delay)
{
    SCREEN *terminal;

    setlocale(LC_CTYPE, "");
    terminal = newterm(NULL, stdout, stdin);
    if (!terminal) {
        fprintf(stderr, "spicetap top: cannot draw on this terminal (TERM): take --once\n");
        return EXIT_ENV;
    }
    set_escdelay(ESCAPE_MS);
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    run(s, stop, delay);
    endwin();
    delscreen(terminal);
    return EXIT_DONE;
}

int top_screen(const struct board *board, int stop, unsigned delay)
{
    static struct screen s; /* it is large */
    int code;

    s = (struct screen){
        .board = board, .now = calloc(1, sizeof(*s.now)), .before = calloc(1, sizeof(*s.before))};
    code = s.now && s.before ? draw_until(&s, stop, delay) : EXIT_ENV;
    free(s.now);
    free(s.before);
    return code;
}
