/* SPDX-License-Identifier: MIT */
/*
 * The life of one message to an account with two devices, as core/route, modules/sm and
 * modules/offline live it, under crashes and broken connections. Each STEP has the name of the
 * function that does it; `tests/model/run` checks it, and that its broken variants fail:
 *
 *   -DACK_BEFORE_COMMIT    the sender's h counts what has been submitted
 *   -DBIND2_CLEARS_ALL     Bind 2 forgets what waits, archived or not (ejabberd 24.07)
 *   -DRECEIVED_WHEN_SENT   what was sent is no longer waiting, acknowledged or not
 *   -DNO_SETTLE            a new session's queue is read while a commit is under way
 *   -DFORGETS_NEW_DEVICE   a device that comes for the first time gets no copy of what waits
 *
 * Device 0 is that of clients that do not say who they are (they bind the old way), device 1 says
 * it (SASL2, Bind 2).
 *
 * What is left out: other messages (one order of all of them is tested, not modelled), copies,
 * quotas. What an unstored message may suffer is `limit`: it was only ever in the memory of the
 * server and on the wire, and the server died.
 */

#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef BREAKS
#define BREAKS 2
#endif

/* ---- what survives a crash: the store ------------------------------------------------------ */
bit archives;    /* the recipient's archive takes it (a choice) */
bit stored;      /* the content row and, if `archives`, the entry */
bit waits[2];    /* the pending row of a device */
bit known[2];    /* the device's row */
bit sleeping[2]; /* sm: the device's detached session */
bit in_sleep[2]; /* and whether the message is in its queue */
bit retracted, expired;

/* ---- the server's memory --------------------------------------------------------------------- */
#define NONE     0
#define BINDING  1 /* not drained yet */
#define LIVE     2
#define DETACHED 3
bit up = 1;
bit submitted;       /* the transaction is with the writer */
bit unstored;        /* accepted, and nobody had to store it */
bit again;           /* unstored, and the session that was to get it has gone: until it is stored */
byte session[2];
bit retained[2];     /* by stream management */
bit reads_archive[2];
bit below[2];        /* the message's id is below the session's cut */
bit withheld[2];     /* for its archive sync */
byte item[2];        /* in the session's queue: 1 waiting, 2 sent */
bit receiving[2];    /* the transaction that deletes the pending row is with the writer */

/* ---- the network and the clients --------------------------------------------------------------- */
byte sender;         /* 1 has sent it, 2 knows it accepted, 3 refused */
bit connection[2];
bit wire[2];
bit counted[2];      /* the client's h of this session covers it */
byte got[2];         /* up to 2 */

/* ---- for the properties ------------------------------------------------------------------------- */
bit owed[2];         /* the device must get it */
bit ended;           /* a session ended without having acknowledged it, or a crash */
bit limit;
byte crashes, breaks;
bit may_expire, may_retract;
#define ACCOUNTED (expired || retracted || limit)

/* A step is one transition; client_… are the clients'. */
#define STEP(name, d, guard, effect) :: d_step { guard -> effect }

#define KEPT(d)   (!owed[d] || got[d] || waits[d])
#define PROMISED  (sender == 2)
#define CHECK                                                                                    \
    assert(!PROMISED || stored || unstored || again || ACCOUNTED);   /* committed first */       \
    assert(!PROMISED || !stored || ACCOUNTED || (KEPT(0) && KEPT(1))); /* never lost */           \
    assert(got[0] < 2 || ended);                                      /* never twice for nothing */ \
    assert(got[1] < 2 || ended);                                                                 \
    assert(crashes || breaks || (got[0] < 2 && got[1] < 2))           /* once in calm weather */


#define TAKES(d)   (session[d] != NONE)
#define MISSES(d)  (known[d] && !TAKES(d))
#define MUST_STORE (archives || !(TAKES(0) || TAKES(1)) || (TAKES(0) && retained[0]) ||          \
                    (TAKES(1) && retained[1]) || MISSES(0) || MISSES(1) ||                       \
                    (TAKES(0) && TAKES(1)) /* left out: nobody stores it and two have it */)

/* The known devices and those of the sessions that get it. */
bit chosen[2];
inline choose()
{
    chosen[0] = known[0] || TAKES(0);
    chosen[1] = known[1] || TAKES(1);
    if :: !chosen[0] && !chosen[1] -> chosen[0] = 1
       :: else
    fi
}
inline give(d)
{
    if :: TAKES(d) -> item[d] = 1; below[d] = 0
       :: else
    fi
}
inline take_in()
{
    if :: MUST_STORE -> submitted = 1; choose()
       :: else -> unstored = 1
    fi;
    give(0); give(1)
}
inline write(d)
{
    waits[d] = chosen[d]; owed[d] = chosen[d]
}
inline greet(d, managed, archive) /* xy_stream_bind_as */
{
    connection[d] = 1; session[d] = BINDING; retained[d] = managed;
    reads_archive[d] = archive; below[d] = submitted || stored; item[d] = 0; withheld[d] = 0;
    counted[d] = 0; sleeping[d] = 0; in_sleep[d] = 0
}
#ifdef FORGETS_NEW_DEVICE
#define COPIES 0
#else
#define COPIES 1
#endif
/* Seen for the first time it gets a copy of what waits for the other; what waits for device 0
 * moves while that is not known either. */
inline see(d)
{
    if :: !known[d] && waits[1 - d] ->
            waits[d] = COPIES; owed[d] = 1;
            if :: d == 1 && !known[0] && session[0] == NONE -> waits[0] = 0; owed[0] = 0
               :: else
            fi
       :: else
    fi;
    known[d] = 1
}
inline hand_over(d)
{
    see(d);
#ifdef BIND2_CLEARS_ALL
    if :: reads_archive[d] -> waits[d] = 0
       :: else
    fi;
#endif
    if :: waits[d] && below[d] && !item[d] ->
            if :: reads_archive[d] && archives -> withheld[d] = 1
               :: else -> item[d] = 1
            fi
       :: else
    fi;
    session[d] = LIVE
}
inline received(d)
{
    item[d] = 0; receiving[d] = waits[d]
}
inline forget(d) /* so that states that cannot differ are one */
{
    retained[d] = 0; reads_archive[d] = 0; below[d] = 0; withheld[d] = 0; item[d] = 0
}
inline part(d) /* xyi_outbox_end: nobody stored it: to whoever is there now */
{
    session[d] = NONE;
    ended = ended || item[d];
    if :: item[d] && unstored && !submitted -> unstored = 0; item[d] = 0; again = 1
       :: else
    fi;
    forget(d); sleeping[d] = 0; in_sleep[d] = 0
}
inline come_back(d)
{
    connection[d] = 1;
    if :: item[d] == 2 && counted[d] -> received(d)
       :: item[d] == 2 && !counted[d] -> item[d] = 1
       :: else
    fi;
    sleeping[d] = 0; in_sleep[d] = 0
}
inline die(d)
{
    session[d] = NONE; forget(d); receiving[d] = 0
}

#define MAY_BREAK(d) (breaks < BREAKS || session[d] == NONE)
#define BROKEN(d)    (up && session[d] != NONE && !connection[d])
#define COUNT(what, d) if :: session[d] != NONE -> what++ :: else fi

#define DEVICE(d)                                                                                \
    STEP(bind_as, d, up && !connection[d] && session[d] == NONE && d == 0, greet(d, 0, 0); CHECK) \
    STEP(bind_as, d, up && !connection[d] && session[d] == NONE, greet(d, 1, 0); CHECK)          \
    STEP(bind2, d, up && !connection[d] && session[d] == NONE && d == 1, greet(d, 1, 1); CHECK)  \
    STEP(pending_drain, d, up && session[d] == BINDING && connection[d] && SETTLED && !receiving[d], \
         hand_over(d); CHECK)                                                                    \
    STEP(transmit, d, up && session[d] == LIVE && connection[d] && item[d] == 1 && (stored || unstored), \
         item[d] = 2; wire[d] = 1; SENT(d); CHECK)                                               \
    STEP(client_message, d, wire[d] && connection[d],                                         \
         wire[d] = 0; counted[d] = 1; got[d] = (got[d] == 2 -> 2 : got[d] + 1); CHECK)           \
    STEP(acknowledge, d, up && session[d] == LIVE && connection[d] && item[d] == 2 && counted[d], \
         received(d); CHECK)                                                                     \
    STEP(pending_receive, d, up && receiving[d],                                                 \
         receiving[d] = 0; waits[d] = 0; in_sleep[d] = 0; CHECK)                                 \
    STEP(client_archive, d, up && session[d] == LIVE && connection[d] && withheld[d] && !got[d], \
         got[d] = 1; counted[d] = 1; withheld[d] = 0; item[d] = 2; CHECK)                        \
    STEP(passes, d, up && session[d] == LIVE && connection[d] && withheld[d] && got[d],     \
         counted[d] = 1; withheld[d] = 0; item[d] = 2; CHECK)                                    \
    STEP(client_lost, d, connection[d] && MAY_BREAK(d),                                       \
         COUNT(breaks, d); connection[d] = 0; wire[d] = 0; CHECK)                                \
    STEP(session_lost, d, BROKEN(d) && retained[d] && session[d] == LIVE, session[d] = DETACHED; CHECK) \
    STEP(hibernate, d, up && session[d] == DETACHED && !unstored && (!sleeping[d] || (item[d] && stored && !in_sleep[d])), \
         sleeping[d] = 1; in_sleep[d] = item[d] && stored; CHECK)                                \
    STEP(outbox_end, d, BROKEN(d), part(d); CHECK)                                               \
    STEP(stream_resume, d, up && !connection[d] && session[d] == DETACHED,                       \
         session[d] = LIVE; come_back(d); CHECK)                                                 \
    STEP(session_restore, d, up && !connection[d] && session[d] == NONE && sleeping[d],          \
         session[d] = BINDING; retained[d] = 1; reads_archive[d] = 0; below[d] = 1;              \
         item[d] = in_sleep[d] * 2; come_back(d); CHECK)

#ifdef NO_SETTLE
#define SETTLED 1
#else
#define SETTLED !submitted
#endif
#ifdef RECEIVED_WHEN_SENT
#define SENT(d) receiving[d] = waits[d]
#else
#define SENT(d) skip
#endif
#ifdef ACK_BEFORE_COMMIT
#define MINE (submitted || stored || unstored)
#else
#define MINE (stored || unstored)
#endif
#define WORLD 9

active proctype world()
{
    if :: archives = 1 :: archives = 0 fi;
    if :: may_expire = 1 :: may_retract = 1 :: skip fi;
    do
    STEP(client_send, WORLD, sender == 0, sender = 1; CHECK)
    STEP(accept, WORLD, up && sender == 1 && !submitted && !stored && !unstored && !again,
         take_in(); CHECK)
    STEP(message_again, WORLD, up && again && !submitted, submitted = 1; choose(); give(0); give(1); CHECK)
    STEP(commit, WORLD, up && submitted, submitted = 0; again = 0; stored = 1; write(0); write(1); CHECK)
    STEP(refuse, WORLD, up && submitted && sender == 1,
         submitted = 0; item[0] = 0; item[1] = 0; sender = 3; CHECK)
    STEP(handled, WORLD, up && sender == 1 && MINE, sender = 2; CHECK)
    STEP(retract, WORLD, may_retract && stored, may_retract = 0; retracted = 1; CHECK)
    STEP(pending_expire, WORLD, may_expire && up && (waits[0] || waits[1]),
         may_expire = 0; waits[0] = 0; waits[1] = 0; expired = 1; CHECK)
    STEP(crash, WORLD, up && crashes < CRASHES,
         up = 0; limit = limit || unstored || again; unstored = 0; again = 0; submitted = 0; ended = 1;
         die(0); die(1); crashes++; CHECK)
    STEP(start, WORLD, !up, up = 1; CHECK)
    DEVICE(0)
    DEVICE(1)
    :: timeout -> /* nothing is left to do: the weather has calmed down and everybody has come */
        assert(sender > 1);
        assert(sender != 2 || ACCOUNTED || ((!owed[0] || got[0]) && (!owed[1] || got[1])));
        assert(!waits[0] && !waits[1]);
        break
    od
}
