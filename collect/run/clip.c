/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "run/clip.h"

enum { LEAST_DRAWS = 20, LEAST_A_SECOND = 2 };
/* ns. RED_STREAM_TIMEOUT of spice's server/video-stream.h: a longer interval ends a stream. */
#define PAUSE 1000000000ull

const char *const clip_why[CLIP_BYS] = {
    [CLIP_BY_SIZE] = ("of the places redrawn twice a second and more, and not as text, it has most "
                      "pixels times time"),
    [CLIP_BY_CLIENT] = "the client read the clip's frame numbers there",
    [CLIP_AROUND] = ("the client read the clip's frame numbers in it, and nothing smaller was "
                     "drawn there")};

void steady_draw(struct steady *s, uint64_t created)
{
    if (s->last && created > s->last && created - s->last <= PAUSE) {
        s->draws++;
        s->ns += created - s->last;
    }
    s->last = created;
}

bool steady_enough(const struct steady *s)
{
    return s->draws >= LEAST_DRAWS && s->text <= s->natural &&
           (double)s->draws * 1e9 >= LEAST_A_SECOND * (double)s->ns;
}

double steady_weight(const struct steady *s, int64_t width, int64_t height)
{
    return steady_enough(s) && width > 0 && height > 0
               ? (double)width * (double)height * (double)s->ns / 1e9
               : 0;
}

bool box_is_inside(const int32_t *inner, const int32_t *outer)
{
    return inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] &&
           inner[3] <= outer[3];
}

bool clip_is_inside(const struct steady *s, const int32_t *box, const int32_t *clip)
{
    return s->draws >= LEAST_DRAWS && box_is_inside(clip, box);
}

static bool read_box(const json_t *list, int32_t *box)
{
    if (json_array_size(list) != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        json_int_t v = json_integer_value(json_array_get(list, i));

        if (!json_is_integer(json_array_get(list, i)) || v < INT32_MIN || v > INT32_MAX)
            return false;
        box[i] = (int32_t)v;
    }
    return true;
}

bool clip_of_client(struct bundle *b, int32_t *box)
{
    const json_t *client = json_object_get(bundle_about(b), "client");
    const char *name = json_string_value(json_object_get(client, "summary"));
    json_t *summary = NULL;
    const json_t *clip;
    bool found;

    if (!name || bundle_json(b, name, &summary))
        return false;
    clip = json_object_get(summary, "clip");
    found = json_is_true(json_object_get(clip, "numbered")) &&
            read_box(json_object_get(clip, "region"), box);
    json_decref(summary);
    return found;
}
