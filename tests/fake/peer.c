#include "fake/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/string.h"

const char or_peer_hangs_up[] = "hangs up", or_peer_holds[] = "holds";

static size_t content_length(const char *head) {
  const char *field = strstr(head, "Content-Length: ");
  return field != NULL ? strtoul(field + 16, NULL, 10) : 0;
}

/* One request, by its Content-Length; false when the client has closed. */
static bool hear(int client, char *to) {
  size_t at = 0, body = 0;
  char *end = NULL;
  to[0] = '\0';
  while (end == NULL) {
    if (at + 1 >= OR_PEER_REQUEST_BYTES || recv(client, to + at, 1, 0) <= 0) return false;
    to[++at] = '\0';
    end = strstr(to, "\r\n\r\n");
  }
  for (body = content_length(to); body > 0;) {
    char piece[4096];
    const ssize_t count = recv(client, piece, body < sizeof piece ? body : sizeof piece, 0);
    if (count <= 0) return false;
    const size_t room = OR_PEER_REQUEST_BYTES - 1 - at, kept = (size_t)count < room ? (size_t)count : room;
    memcpy(to + at, piece, kept);
    at += kept;
    to[at] = '\0';
    body -= (size_t)count;
  }
  return true;
}

/* False: the connection is over. */
static bool say(int client, const char *answer) {
  if (answer == or_peer_hangs_up) return false;
  const size_t length = strlen(answer);
  return send(client, answer, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static void serve(void *self) {
  or_peer_t *peer = self;
  int held[OR_PEER_MAX];
  size_t held_count = 0;
  for (size_t next = 0; next < peer->count;) {
    const int client = accept(peer->listener, NULL, NULL);
    if (client < 0) break;
    ++peer->connections;
    bool holds = false;
    while (!holds && next < peer->count && hear(client, peer->requests[next])) {
      if (peer->asked != NULL) peer->asked(peer->asked_self);
      const char *answer = peer->answers[next++];
      holds = answer == or_peer_holds;
      if (!holds && !say(client, answer)) break;
    }
    if (holds) {
      held[held_count++] = client;
    } else {
      (void)close(client);
    }
  }
  for (size_t i = 0; i < held_count; ++i) {
    char byte;
    while (recv(held[i], &byte, 1, 0) > 0) {
    }
    (void)close(held[i]);
  }
}

or_status_t or_peer_start(or_peer_t *peer, const char *unix_path) {
  struct sockaddr_in tcp = {.sin_family = AF_INET};
  struct sockaddr_un local = {.sun_family = AF_UNIX};
  struct sockaddr *address = unix_path != NULL ? (struct sockaddr *)&local : (struct sockaddr *)&tcp;
  socklen_t length = unix_path != NULL ? sizeof local : sizeof tcp;
  tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (unix_path != NULL) or_format(local.sun_path, sizeof local.sun_path, "%s", unix_path);
  peer->connections = 0;
  peer->listener = socket(unix_path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (peer->listener < 0 || bind(peer->listener, address, length) != 0 || listen(peer->listener, 8) != 0 ||
      (unix_path == NULL && getsockname(peer->listener, address, &length) != 0)) {
    if (peer->listener >= 0) (void)close(peer->listener);
    return or_error(OR_UNAVAILABLE, "the peer can't listen");
  }
  peer->port = unix_path != NULL ? 0 : ntohs(tcp.sin_port);
  return or_thread_start(&peer->thread, "peer", serve, peer);
}

void or_peer_stop(or_peer_t *peer) {
  (void)shutdown(peer->listener, SHUT_RDWR); /* ends a waiting accept */
  or_thread_join(&peer->thread);
  (void)close(peer->listener);
}
