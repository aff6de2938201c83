#ifndef OR_TESTS_FAKE_WS_PEER_H
#define OR_TESTS_FAKE_WS_PEER_H
/* For tests of a WebSocket's client: a server on loopback that takes one connection, answers its handshake by RFC 6455
 * or as it was told to, says what it was told to and keeps what it hears. */

#include "base/thread.h"

/* Owned by the test; what the peer writes may be read after or_ws_peer_stop. */
typedef struct or_ws_peer_t {
  const char *answer; /* in place of the handshake's; NULL: the right one */
  const char *frames; /* after it, byte by byte */
  size_t frame_bytes;
  bool with_the_handshake; /* the frames come in one piece with it */
  bool hangs_up;           /* after all is said; else the client ends the connection */
  char request[4096], heard[4096];
  size_t heard_bytes;
  int port, listener;
  or_thread_t thread;
} or_ws_peer_t;
/* Listens on a free port of 127.0.0.1. */
or_status_t or_ws_peer_start(or_ws_peer_t *peer);
/* Waits until the connection has ended; one that never came is not waited for. */
void or_ws_peer_stop(or_ws_peer_t *peer);

#endif
