#ifndef OR_SERVER_TRANSPORT_H
#define OR_SERVER_TRANSPORT_H
/* A non-blocking socket, with or without TLS. Owned by one thread. */

#include <stdbool.h>
#include <stddef.h>

#include "server/tls.h"

typedef struct or_transport_t {
  int descriptor;                          /* -1: closed */
  struct ssl_st *ssl;                      /* NULL: plain */
  bool read_wants_write, write_wants_read; /* TLS is in the middle of something of its own */
} or_transport_t;

enum { OR_TRANSPORT_AGAIN = -1, OR_TRANSPORT_ENDED = -2 };

/* Takes the descriptor, also on failure. `tls` may be NULL. RESOURCE_EXHAUSTED. */
or_status_t or_transport_open(or_transport_t *transport, int descriptor, or_tls_t *tls);
void or_transport_close(or_transport_t *transport);
/* Bytes read (more than 0), AGAIN, or ENDED: the peer has closed, or anything went wrong. */
long or_transport_read(or_transport_t *transport, char *data, size_t room);
/* Bytes written (more than 0), AGAIN or ENDED. */
long or_transport_write(or_transport_t *transport, const char *data, size_t length);
/* Whether bytes wait to be read that the system does not know of. */
bool or_transport_has_pending(const or_transport_t *transport);
/* No more will be written; the peer sees the end of the stream. */
void or_transport_finish(or_transport_t *transport);

#endif
