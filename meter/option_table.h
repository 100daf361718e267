/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of spicetap-meter, for itself and for `spicetap completion`. */
#ifndef METER_OPTION_TABLE_H
#define METER_OPTION_TABLE_H

#include "base/options.h"
#include "event/compression.h"

enum {
    RATE = OPTIONS_LONG,
    LINK,
    COMPRESSION,
    JSON,
    TAP,
    CLIP,
    PICTURES,
    PASSWORD,
    CA,
    SUBJECT,
    READY,
    GO,
    KEYS,
    KEYS_LIMIT,
    PICTURE_COUNT
};

static const struct argp_option meter_option_table[] = {
    {"time", 't', "SECONDS", 0, "Stop after SECONDS (default: run until Ctrl-C)", 0},
    {"rate", RATE, "BYTES", 0, "Read at most BYTES a second from the server: a slow link", 0},
    {"link", LINK, "RTT/RATE[/QUEUE]", 0,
     "Play a slow link to the server, such as 80ms/10mbit; QUEUE is a time, and by default the RTT "
     "(20ms or more)",
     0},
    {"compression", COMPRESSION, "NAME", 0,
     "Ask the server for this image compression: " COMPRESSION_NAMES, 0},
    {"json", JSON, "FILE", 0, "Write all results to FILE", 0},
    {"tap", TAP, "FILE", 0, "Log every message and picture to FILE, which must not exist", 0},
    {"clip", CLIP, "X,Y[,WxH]", 0, "Where the clip is on the screen (default: 50,50,1024x768)", 0},
    {"keys", KEYS, "N[,MS[,X,Y,WxH]]", 0,
     "Press a key N times, each MS (default: 500) after the answer before: until the picture in "
     "the "
     "box changes (default: 800,64,128x64)",
     0},
    {"keys-limit", KEYS_LIMIT, "MS", 0, "Wait so long for an answer (default: 30000)", 0},
    {"pictures", PICTURES, "FOLDER", 0,
     "Keep pictures of the clip as PNG files in FOLDER, which must not exist", 0},
    {"picture-count", PICTURE_COUNT, "N", 0, "Keep at most N pictures (default: 20)", 0},
    {"password-file", PASSWORD, "FILE", 0, "The first line of FILE is the password", 0},
    {"ca-file", CA, "FILE", 0, "Trust the certificate authority in FILE (PEM)", 0},
    {"host-subject", SUBJECT, "SUBJECT", 0,
     "Expect this subject in the server's certificate, not the host's name", 0},
    {"ready-fd", READY, "FD", OPTION_HIDDEN, "Write a byte to FD once the picture is there", 0},
    {"go-fd", GO, "FD", OPTION_HIDDEN, "Press no key before FD can be read", 0},
    {"quiet", 'q', NULL, 0, "Print no live line and no summary", 0},
    {0},
};

#define METER_OPERAND "URI"

#endif
