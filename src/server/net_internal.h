#ifndef OR_SERVER_NET_INTERNAL_H
#define OR_SERVER_NET_INTERNAL_H
/* Loops and connections. A connection and everything in it belongs to its loop's thread, but for `refs` and what a kept
 * request's owner fills until it posts the reply. */

#include "base/thread.h"
#include "base/ws_frame.h"
#include "server/http_body.h"
#include "server/mailbox.h"
#include "server/net.h"
#include "server/transport.h"
#include "server/workers.h"

#define OR_LOOP_BUFFER_BYTES ((size_t)64 << 10)   /* of reading and of writing, shared by a loop's connections */
#define OR_HEAD_INLINE_BYTES 512                  /* heads up to this cost a connection no memory of its own */
#define OR_REPLY_COPY_BYTES ((size_t)16 << 10)    /* larger bodies are sent from where they lie */
#define OR_REPLY_PIECE_BYTES ((size_t)64 << 10)   /* of a file, in memory for a connection at a time */
#define OR_REPLY_KEEP_BYTES ((size_t)4 << 10)     /* a connection's text buffer beyond this is given back */
#define OR_HEAD_KEEP_BYTES ((size_t)4 << 10)      /* and its memory for heads; both count in docs/operations.md */
#define OR_REFUSED_BODY_BYTES ((size_t)256 << 10) /* of a refused one is read so that the connection may stay */
#define OR_READS_PER_EVENT 16                     /* then the loop's other connections have their turn */
#define OR_BYTES_PER_EVENT ((size_t)256 << 10)    /* and of a body, whose memory is new to the process */
#define OR_LOOP_FILE_READS 4                      /* of a loop, under way */
#define OR_AWAY_MAX_QUEUED 64u                    /* requests that wait for a thread other than their loop's */

#define OR_HELD_REPLIES 64         /* that are sent together */
#define OR_HELD_NS INT64_C(200000) /* and how long the first of them waits for the others */

typedef struct or_connection_t or_connection_t;
typedef struct or_loop_t or_loop_t;

/* What a connection waits for; each has one time-out for all, so that a list in order of arrival is one of deadlines.
 * */
typedef enum or_wait_t {
  OR_WAIT_NOTHING, /* a handler's answer: no time-out of ours */
  OR_WAIT_HEAD,
  OR_WAIT_BODY,
  OR_WAIT_IDLE,
  OR_WAIT_WRITE,
  OR_WAIT_WEBSOCKET,
  OR_WAIT_LINGER, /* everything is said; what still comes is thrown away, so that the reply gets read */
  OR_WAIT_COUNT
} or_wait_t;

typedef enum or_connection_state_t {
  OR_CONNECTION_HEAD,
  OR_CONNECTION_BODY,
  OR_CONNECTION_HANDLING, /* the request is kept */
  OR_CONNECTION_WEBSOCKET,
  OR_CONNECTION_LINGER,
  OR_CONNECTION_CLOSED
} or_connection_state_t;

struct or_connection_t {
  or_ref_t refs; /* the socket; a kept request; a WebSocket's timer and posts */
  or_loop_t *loop;
  or_mail_t mail; /* of a posted reply */
  uv_poll_t poll;
  int events;  /* what it polls for */
  bool unread; /* bytes came while a request was kept */
  or_transport_t transport;
  or_connection_state_t state;
  or_wait_t wait;
  int64_t deadline_ns;
  or_connection_t *wait_previous, *wait_next; /* in the loop's list of `wait` */
  or_connection_t *all_previous, *all_next;
  bool from_unix, keep_alive, http_1_0, kept, refused, head_only, expects_continue, ends_after_output;
  bool away;          /* the handler of the kept request runs, or ran, on another thread */
  _Atomic int parted; /* of one that is away: who came first, its handler that wants to hear of it or its end */
  bool held;          /* its reply is among the loop's held ones */

  char head_inline[OR_HEAD_INLINE_BYTES];
  char *head; /* head_inline, or memory */
  size_t head_length, head_capacity;
  or_http_body_t body;
  size_t body_progress; /* bytes since the body's deadline was set */
  or_request_t request;

  char *stash; /* bytes that came while they could not be read: NULL if there are none */
  size_t stash_length, stash_offset;
  /* Output that the socket did not take: first `pending`, then `large` or `file`. */
  char *pending;
  size_t pending_length, pending_offset, pending_capacity;
  const char *large;
  size_t large_length, large_offset;
  or_owner_t large_owner;
  or_file_body_t *file;
  or_ws_t *ws;
};

/* Replies that are sent at the end of the loop's turn: connection_held.c. */
typedef struct or_held_reply_t {
  or_connection_t *connection;
  size_t end; /* in the bytes of all */
} or_held_reply_t;
typedef struct or_held_t {
  or_held_reply_t replies[OR_HELD_REPLIES];
  size_t count, bytes;
  int64_t since_ns;
  char *data; /* OR_LOOP_BUFFER_BYTES */
} or_held_t;

struct or_loop_t {
  or_net_t *net;
  uv_loop_t uv;
  or_thread_t thread;
  or_mailbox_t mailbox;
  uv_check_t turn; /* the end of each turn */
  or_held_t held;
  bool gathers;                    /* within a connection's event, which the end of a turn follows */
  or_mail_t drain_mail, stop_mail; /* from whoever drains or stops the net */
  or_mail_t beat_mail;             /* of or_net_is_alive; the loop's while `asked` */
  atomic_bool asked;
  uv_timer_t timer;
  int64_t timer_ns; /* when it fires; INT64_MAX: not set */
  uv_prepare_t prepare;
  int64_t worked_ns; /* on requests, since it last looked at its sockets */
  struct {
    or_connection_t *first, *last;
  } waiting[OR_WAIT_COUNT];
  or_connection_t *all;
  size_t file_reads;                      /* that the readers have of this loop: OR_LOOP_FILE_READS at most */
  or_file_body_t *file_first, *file_last; /* whose next read waits for one of those to end */
  size_t kept; /* requests whose reply is to be posted, and pieces of files that are being read */
  bool stopping, handles_closed;
  _Atomic size_t connection_count; /* written here; read by the acceptor */
  _Atomic size_t posts;            /* by or_loop_post, in the mailbox */
  _Atomic size_t websockets;       /* that are open; written here */
  _Atomic size_t busy;             /* requests at work; read by or_net_drain */
  char *in, *out;                  /* OR_LOOP_BUFFER_BYTES each */
  size_t out_length;               /* of the connection whose event is at hand */
  uint64_t id_seed, id_count;      /* request ids that are made */
  int64_t date_s;
  char date[32]; /* of the Date header */
};

struct or_net_t {
  or_net_options_t options;
  const or_allocator_t *allocator;
  or_router_t *router;
  _Atomic int phase;
  _Atomic uint64_t refused; /* by the acceptor */
  atomic_bool was_ready;    /* what handlers need is there: reads are answered while draining */
  or_loop_t *loops;
  size_t loop_count, loops_started;
  struct or_acceptor_t *acceptor;
  or_workers_t *workers; /* on which handlers run that would hold a loop up: with their large bodies, */
  or_workers_t *waiters; /* or since they wait for a disk */
  _Atomic size_t away_bytes;
  or_workers_t *file_readers;
  or_mutex_t mutex; /* drain: `hurry` and the change of a loop's `busy` to 0 while draining */
  or_cond_t changed;
  bool hurry;
};

/* loop.c */
or_status_t or_loop_start(or_loop_t *loop, or_net_t *net);
void or_loop_stop(or_loop_t *loop); /* asks, waits, frees; takes one that was never started */
/* Hands an accepted socket over; any thread. Takes the descriptor, also on failure, and a reference to `tls`. */
or_status_t or_loop_adopt(or_loop_t *loop, int descriptor, or_tls_t *tls, bool from_unix);
/* The connection waits for this from now on, with that time-out anew. */
void or_loop_wait(or_connection_t *connection, or_wait_t wait);
void or_loop_forget(or_connection_t *connection); /* takes it out of its list */
const char *or_loop_date(or_loop_t *loop);
void or_loop_make_id(or_loop_t *loop, char id[OR_REQUEST_ID_BYTES]);
void or_loop_busy(or_loop_t *loop, bool more);
/* After a connection's last handle is closed: may end the loop. */
void or_loop_connection_gone(or_loop_t *loop);

/* A message to the loop, while it has a connection; any thread. What the mail runs ends with or_loop_posted. */
void or_loop_post(or_loop_t *loop, or_mail_t *mail);
void or_loop_posted(or_loop_t *loop);

/* connection.c */
or_status_t or_connection_open(or_loop_t *loop, int descriptor, or_tls_t *tls, bool from_unix);
void or_connection_close(or_connection_t *connection);
void or_connection_release(or_connection_t *connection); /* any thread */
void or_connection_timed_out(or_connection_t *connection);
void or_connection_drain(or_connection_t *connection);
/* After its state or output changed: goes on with what it can do, sends, polls for what it needs. */
void or_connection_go_on(or_connection_t *connection);
bool or_connection_has_output(const or_connection_t *connection);
/* Polls for what it needs and waits with the time-out of that. */
void or_connection_settle(or_connection_t *connection);

/* connection_request.c: bytes to a request; each returns what it took. */
size_t or_connection_take_head(or_connection_t *connection, const char *data, size_t length);
size_t or_connection_take_body(or_connection_t *connection, const char *data, size_t length);
void or_connection_body_came(or_connection_t *connection, bool done);
void or_connection_next_request(or_connection_t *connection);
/* Refuses what can't be understood, or came too slowly; the connection ends. */
void or_connection_refuse(or_connection_t *connection, int http, const char *words);

/* connection_away.c */
void or_connection_handle(or_connection_t *connection); /* calls the route's handler, or has it called elsewhere */
bool or_connection_is_handled(const or_connection_t *connection); /* on this thread, which is the loop's */
/* or_request_keep of a handler that is not on the loop's thread; false: it is. */
bool or_connection_keep_away(or_connection_t *connection);
void or_connection_part(or_connection_t *connection); /* the client of a kept request has gone */
/* Gives memory of the net's allocator back: on another thread if it is large, for that takes the system long. */
void or_net_free(or_net_t *net, void *memory, size_t bytes);
or_status_t or_away_start(or_net_t *net);
void or_away_stop(or_net_t *net); /* after the loops; takes one that was not started */

/* connection_reply.c */
void or_connection_send_reply(or_connection_t *connection);
void or_connection_observe(or_connection_t *connection); /* tells whoever watches that it was answered */
/* Appends to the output; false: no memory, the connection is to be closed. */
bool or_connection_write(or_connection_t *connection, const void *data, size_t length);
bool or_connection_flush(or_connection_t *connection); /* false: the socket has ended */
void or_connection_drop_output(or_connection_t *connection);

/* Writes what the socket takes; *offset moves. False: the socket has ended. */
bool or_connection_write_some(or_connection_t *connection, const char *data, size_t length, size_t *offset);

/* Sends what is no part of the output yet; what the socket does not take becomes one. False: the socket has ended, or
 * there is no memory. */
bool or_connection_send_now(or_connection_t *connection, const char *data, size_t length);

/* connection_held.c */
/* Leaves the connection's output for the end of the turn; false: it is to be sent at once. */
bool or_connection_hold(or_connection_t *connection);
void or_loop_send_held(or_loop_t *loop); /* may close connections */
void or_loop_send_old(or_loop_t *loop);  /* if they have waited long enough, or there are enough of them */

/* reply_file.c */
void or_file_body_free(or_file_body_t *body); /* takes NULL; one that is being read goes when that has ended */
or_status_t or_file_readers_start(or_net_t *net);
void or_file_readers_stop(or_net_t *net); /* after the loops; takes one that was not started */
/* Of a body that was not handed on yet: only `count` bytes from `first` on are sent. */
void or_file_body_narrow(or_file_body_t *body, uint64_t first, uint64_t count);
bool or_file_body_is_reading(const or_file_body_t *body);   /* NULL: false */
bool or_connection_flush_file(or_connection_t *connection); /* as or_connection_flush */

/* ws.c */
bool or_ws_upgrade(or_connection_t *connection); /* after the checks; writes the answer; false: it was refused */
size_t or_ws_take(or_connection_t *connection, const char *data, size_t length);
void or_ws_pump(or_connection_t *connection); /* there is room for output */
void or_ws_timed_out(or_connection_t *connection);
or_loop_t *or_ws_loop(const or_ws_t *ws);
void or_ws_ended(or_connection_t *connection); /* calls `closed` */
void or_ws_free(or_ws_t *ws);                  /* with its connection's last reference */

/* acceptor.c */
or_status_t or_acceptor_start(or_net_t *net);
void or_acceptor_stop(or_net_t *net);

#endif
