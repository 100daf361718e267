/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one guest may cost the host, and why something it sent is refused. */
#ifndef SPICETAP_GUEST_LIMITS_H
#define SPICETAP_GUEST_LIMITS_H

enum guest_limits {
    /* A busy desktop makes some thousand events a second; a core writes about a million. */
    GUEST_EVENTS_A_SECOND = 100000,
    /* An event takes 32 to 80 bytes on the wire. Bytes beyond this are read and dropped. */
    GUEST_BYTES_A_SECOND = 8 << 20,
    GUEST_BURST_SECONDS = 2, /* a guest that stood still sends what it collected meanwhile */
    /* After this much nothing is read until the next tick of 50 ms. QEMU then takes no more from
     * the guest, and the agent counts what it has to drop. */
    GUEST_BYTES_A_TICK = 1 << 20,
    /* What its logs may grow by for hours: 1.03 GiB an hour. A busy desktop's grow by some 40 KiB a
     * second. The burst lets a guest that is silent most of the time say much at once. */
    GUEST_LOG_BYTES_A_SECOND = 300 << 10,
    GUEST_LOG_BURST_BYTES = 256 << 20,
    GUEST_LOGS = 8, /* boots in one recording; events of later boots are refused */
};

/* The names in run.json's guest.refused are in guest_session.c. */
enum guest_refusal {
    REFUSED_FRAME,     /* a header or payload with a wrong CRC, version or length */
    REFUSED_TYPE,      /* of a frame */
    REFUSED_LENGTH,    /* a frame or record is cut short */
    REFUSED_HELLO,     /* cannot be read */
    REFUSED_KIND,      /* not a guest's kind of event, or a wrong number of values */
    REFUSED_VALUE,     /* out of its field's range */
    REFUSED_TIME,      /* before the session, in the future, or running backwards */
    REFUSED_PONG,      /* answers no ping */
    REFUSED_SEQUENCE,  /* frames are missing */
    REFUSED_BOOTS,     /* more than GUEST_LOGS */
    REFUSED_FLOOD,     /* events beyond the limit */
    REFUSED_FLOOD_MIB, /* data beyond the limit, in MiB */
    REFUSALS
};

#endif
