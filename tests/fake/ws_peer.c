#include "fake/ws_peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ws_frame.h"

static void say(int client, const char *bytes, size_t length) { (void)send(client, bytes, length, MSG_NOSIGNAL); }

static void answer(const or_ws_peer_t *peer, int client) {
  char accept_key[OR_WS_ACCEPT_BYTES], head[1024];
  const char *key = strstr(peer->request, "Sec-WebSocket-Key: ");
  if (peer->answer != NULL) {
    say(client, peer->answer, strlen(peer->answer));
    return;
  }
  if (key == NULL || !or_ws_accept_key(key + 19, OR_WS_KEY_BYTES, accept_key)) return;
  const int written = snprintf(head, sizeof head,
                               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "sec-websocket-accept: %s\r\n\r\n",
                               accept_key);
  size_t length = written > 0 ? (size_t)written : 0;
  const bool joined = peer->with_the_handshake && length + peer->frame_bytes <= sizeof head;
  if (joined) {
    memcpy(head + length, peer->frames, peer->frame_bytes);
    length += peer->frame_bytes;
  }
  say(client, head, length);
  for (size_t i = 0; !joined && i < peer->frame_bytes; ++i) say(client, peer->frames + i, 1);
}

static void serve(void *self) {
  or_ws_peer_t *peer = self;
  int client = accept(peer->listener, NULL, NULL);
  size_t length = 0;
  if (client < 0) return; /* it was stopped */
  while (strstr(peer->request, "\r\n\r\n") == NULL) {
    const ssize_t count = recv(client, peer->request + length, sizeof peer->request - 1 - length, 0);
    if (count <= 0) break;
    length += (size_t)count;
  }
  answer(peer, client);
  while (!peer->hangs_up && peer->heard_bytes < sizeof peer->heard) {
    const ssize_t count = recv(client, peer->heard + peer->heard_bytes, sizeof peer->heard - peer->heard_bytes, 0);
    if (count <= 0) break;
    peer->heard_bytes += (size_t)count;
  }
  (void)close(client);
}

or_status_t or_ws_peer_start(or_ws_peer_t *peer) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (peer->listener < 0 || bind(peer->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(peer->listener, 1) != 0 || getsockname(peer->listener, (struct sockaddr *)&address, &length) != 0)
    return or_error(OR_UNAVAILABLE, "no socket for a peer");
  peer->port = ntohs(address.sin_port);
  return or_thread_start(&peer->thread, "ws-peer", serve, peer);
}

void or_ws_peer_stop(or_ws_peer_t *peer) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)peer->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int last = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* ends a wait for the connection */
  (void)connect(last, (struct sockaddr *)&address, sizeof address);
  (void)close(last);
  or_thread_join(&peer->thread);
  (void)close(peer->listener);
}
