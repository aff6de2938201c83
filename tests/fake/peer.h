#ifndef OR_TESTS_FAKE_PEER_H
#define OR_TESTS_FAKE_PEER_H
/* For tests of clients: an HTTP server on loopback that says what it was told to, and keeps what it was asked. */

#include "base/thread.h"

#define OR_PEER_MAX 8              /* requests */
#define OR_PEER_REQUEST_BYTES 8192 /* of one that is kept; the rest is read and dropped */

/* In place of an answer: */
extern const char or_peer_hangs_up[]; /* closes the connection without a word */
extern const char or_peer_holds[];    /* says nothing until the client closes */

/* Owned by the test; `requests` may be read once or_peer_stop has returned, or for a request whose answer came. */
typedef struct or_peer_t {
  const char *answers[OR_PEER_MAX]; /* whole, from the status line on, with Content-Length; one a request, in order */
  size_t count;                     /* the connections after them are refused */
  char requests[OR_PEER_MAX][OR_PEER_REQUEST_BYTES];
  size_t connections; /* accepted */
  int port, listener;
  void (*asked)(void *self); /* before an answer, on the peer's thread; may be NULL */
  void *asked_self;
  or_thread_t thread;
} or_peer_t;
/* Listens on a free port of 127.0.0.1, or at `unix_path` where it is not NULL. `answers` and `count` are set. */
or_status_t or_peer_start(or_peer_t *peer, const char *unix_path);
/* After its last answer, or once nothing more will be asked. */
void or_peer_stop(or_peer_t *peer);

#endif
