#ifndef OR_SERVER_NET_H
#define OR_SERVER_NET_H
/* The sockets: one thread that accepts, and loops that own their connections and share nothing on the way of a request.
 * What the requests are about stands in the routes. */

#include "server/access.h"
#include "server/tls.h"

/* Each bound, with what happens beyond it. Times in milliseconds. */
typedef struct or_limits_t {
  size_t connections;        /* 503 and closed */
  size_t head_bytes;         /* of request line and headers: 431 */
  size_t target_bytes;       /* of path and query: 414 */
  size_t header_count;       /* 431 */
  size_t body_bytes;         /* 413 */
  size_t away_bytes;         /* of the bodies of requests that are too large for a loop, in all: 503 */
  size_t ws_message_bytes;   /* of a client's message: closed with 1009 */
  int64_t header_timeout_ms; /* from the first byte of a head to its last: 408 */
  int64_t body_timeout_ms;   /* in which OR_BODY_PROGRESS_BYTES or the rest of a body must come: 408 */
  int64_t idle_timeout_ms;   /* between requests: closed */
  int64_t write_timeout_ms;  /* in which a client must take something of what waits for it: closed */
  int64_t ws_ping_ms;        /* without a message a ping is sent; without an answer for as long again: closed */
} or_limits_t;
or_limits_t or_limits_default(void);
#define OR_BODY_PROGRESS_BYTES ((size_t)16 << 10)

typedef enum or_net_phase_t { OR_NET_STARTING, OR_NET_READY, OR_NET_DRAINING } or_net_phase_t;

typedef struct or_net_options_t {
  const or_allocator_t *allocator;
  or_server_t *server; /* what requests carry to the handlers */
  const or_route_t *routes;
  size_t route_count;
  const char *host;      /* a name or an address; NULL: no TCP */
  int port;              /* 0: one that is free */
  const char *unix_path; /* NULL: none; a dead socket that lies there is replaced */
  size_t loops;          /* 1 to OR_NET_MAX_LOOPS */
  or_tls_t *tls;         /* of the TCP sockets; a reference is taken; NULL: plain */
  or_access_t access;    /* its strings outlive the net */
  or_limits_t limits;
  const char *name; /* of the Server header: "openruntime/0.1.0" */
  /* Called on the loop's thread when a reply is handed to the socket; may be NULL. */
  void (*observe)(void *self, const or_request_t *request, int64_t took_ns);
  void *observe_self;
} or_net_options_t;
#define OR_NET_MAX_LOOPS 64
#define OR_NET_MAX_LISTENERS 8

typedef struct or_net_t or_net_t;
/* Binds, listens and answers from then on, in phase STARTING. UNAVAILABLE: the address is taken or not this machine's,
 * with the cure; INVALID_ARGUMENT: no such host; PERMISSION_DENIED; RESOURCE_EXHAUSTED. */
or_status_t or_net_start(const or_net_options_t *options, or_net_t **out);
int or_net_port(const or_net_t *net); /* of TCP; 0 without */
/* "http://127.0.0.1:8000 and unix:/run/x", into `text`; returns it. */
char *or_net_describe(const or_net_t *net, char *text, size_t capacity);
void or_net_set_phase(or_net_t *net, or_net_phase_t phase); /* any thread */
or_net_phase_t or_net_phase(const or_net_t *net);
size_t or_net_connections(const or_net_t *net);
size_t or_net_websockets(const or_net_t *net); /* of those, the ones that are WebSockets */
uint64_t or_net_refused(const or_net_t *net);  /* connections that were not taken: too many, no memory, no handles */
/* Connections from now on use this certificate; a reference is taken. Any thread. */
or_status_t or_net_set_tls(or_net_t *net, or_tls_t *tls);
/* For a watchdog: whether every loop has answered the call before this one; asks each again that has. Always from the
 * same thread. */
bool or_net_is_alive(or_net_t *net);
/* Phase DRAINING: idle connections are closed, the others after their reply. Returns when no request is at work, or at
 * `deadline_ns` (or_clock_ns). True if none is left. Not on a loop's thread. */
bool or_net_drain(or_net_t *net, int64_t deadline_ns);
/* Ends a drain that is under way, from another thread or a signal's callback. */
void or_net_hurry(or_net_t *net);
/* Closes every connection and ends the threads; requests that are kept are waited for, since their owners will post
 * them. Takes NULL. */
void or_net_stop(or_net_t *net);

#endif
