/* The bytes go over a connection of libcurl's, which knows TLS, proxies and Unix sockets. */
#include "client/ws_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ws_frame.h"
#include "client/client_internal.h"
#include "or_config.h"

#if OR_HAVE_CURL
#include <curl/curl.h>

#define IN_BYTES ((size_t)16 << 10)
#define MAX_HEAD_BYTES ((size_t)64 << 10) /* of the handshake's answer, with the body of a refusal */
#define POLL_MS 200                       /* then the token is looked at */

struct or_ws_client_t {
  or_client_facts_t facts;
  CURL *easy;
  int descriptor;
  or_ws_reader_t reader;
  bool open; /* the handshake is done, and no close came or went */
  char error[CURL_ERROR_SIZE];
  char in[IN_BYTES];
  size_t in_at, in_length;
};

static or_status_t connect_to(or_ws_client_t *ws, const char *path);
static or_status_t shake_hands(or_ws_client_t *ws, const char *path);
static or_status_t send_frame(or_ws_client_t *ws, or_ws_opcode_t opcode, const char *data, size_t length);

or_status_t or_ws_client_open(const or_client_t *client, const char *path, or_ws_client_t **out) {
  const or_client_facts_t facts = or_client_facts(client);
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(facts.allocator, sizeof(or_ws_client_t), &memory);
  if (!or_ok(status)) return status;
  or_ws_client_t *ws = memory;
  ws->facts = facts;
  ws->descriptor = -1;
  or_ws_reader_init(&ws->reader, facts.allocator, OR_WS_CLIENT_MAX_MESSAGE_BYTES, OR_WS_SERVER);
  ws->easy = curl_easy_init();
  if (ws->easy == NULL) status = or_error(OR_RESOURCE_EXHAUSTED, "no memory for a connection to the server");
  if (or_ok(status)) status = connect_to(ws, path);
  if (or_ok(status)) status = shake_hands(ws, path);
  if (!or_ok(status)) {
    or_ws_client_close(ws);
    return status;
  }
  ws->open = true;
  *out = ws;
  return status;
}

void or_ws_client_close(or_ws_client_t *ws) {
  if (ws == NULL) return;
  if (ws->open) or_status_ignore(send_frame(ws, OR_WS_CLOSE, "\x03\xe8", 2)); /* 1000; who is gone need not hear it */
  curl_easy_cleanup(ws->easy);
  or_ws_reader_deinit(&ws->reader);
  or_free(ws->facts.allocator, ws);
}

int or_ws_client_descriptor(const or_ws_client_t *ws) { return ws->descriptor; }

/* Ends a connect whose user does not want it any more. */
static int on_connecting(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  (void)a, (void)b, (void)c, (void)d;
  return or_cancel_requested(((or_ws_client_t *)self)->facts.cancel) ? 1 : 0;
}

static or_status_t connect_to(or_ws_client_t *ws, const char *path) {
  const or_client_facts_t *facts = &ws->facts;
  CURL *easy = ws->easy;
  or_text_t url;
  or_text_init(&url, facts->allocator);
  or_status_t status = or_text_printf(&url, "%s%s", facts->address->base, path);
  if (!or_ok(status)) return status;
  (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, ws->error);
  (void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)OR_WS_CLIENT_TIMEOUT_MS);
  (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_connecting);
  (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, ws);
  if (facts->address->loopback) (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, or_text_string(&url));
  if (code == CURLE_OK && facts->address->unix_path[0] != '\0')
    code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, facts->address->unix_path);
  if (code == CURLE_OK && facts->ca_file != NULL) code = curl_easy_setopt(easy, CURLOPT_CAINFO, facts->ca_file);
  if (code == CURLE_OK) code = curl_easy_perform(easy);
  or_text_deinit(&url);
  curl_socket_t descriptor = CURL_SOCKET_BAD;
  if (code == CURLE_OK) code = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &descriptor);
  ws->descriptor = (int)descriptor;
  if (code == CURLE_OK && descriptor != CURL_SOCKET_BAD) return status;
  if (code == CURLE_ABORTED_BY_CALLBACK) return or_cancel_status(facts->cancel);
  return or_client_failure(facts, (int)(code == CURLE_OK ? CURLE_COULDNT_CONNECT : code), ws->error);
}

static or_status_t wait_for(or_ws_client_t *ws, short events, int64_t deadline_ns) {
  for (;;) {
    struct pollfd poll_for = {.fd = ws->descriptor, .events = events};
    or_status_t status = or_cancel_status(ws->facts.cancel);
    if (!or_ok(status)) return status;
    const int ready = poll(&poll_for, 1, POLL_MS);
    if (ready > 0) return status;
    if (ready < 0 && errno != EINTR) return or_error(OR_UNAVAILABLE, "the connection to %.200s failed", ws->facts.url);
    if (or_clock_ns() >= deadline_ns)
      return or_error(OR_DEADLINE_EXCEEDED, "the server at %.200s did not answer in time", ws->facts.url);
  }
}

static int64_t deadline_from_now(void) { return or_clock_ns() + OR_WS_CLIENT_TIMEOUT_MS * INT64_C(1000000); }

static or_status_t write_all(or_ws_client_t *ws, const char *data, size_t length) {
  const int64_t deadline_ns = deadline_from_now();
  or_status_t status = or_status_success();
  while (or_ok(status) && length > 0) {
    size_t sent = 0;
    const CURLcode code = curl_easy_send(ws->easy, data, length, &sent);
    data += sent;
    length -= sent;
    if (code == CURLE_AGAIN) {
      status = wait_for(ws, POLLOUT, deadline_ns);
    } else if (code != CURLE_OK) {
      status = or_error(OR_UNAVAILABLE, "the server at %.200s has gone", ws->facts.url);
    }
  }
  return status;
}

/* What is there, at most `room` bytes; *count 0: nothing yet. */
static or_status_t read_some(or_ws_client_t *ws, char *to, size_t room, size_t *count) {
  *count = 0;
  const CURLcode code = curl_easy_recv(ws->easy, to, room, count);
  if (code == CURLE_AGAIN) return or_status_success();
  if (code != CURLE_OK || *count == 0) return or_error(OR_UNAVAILABLE, "the server at %.200s has gone", ws->facts.url);
  return or_status_success();
}

/* Reads until the head is there, and of a refusal its body; *head_bytes: of the head. */
static or_status_t read_answer(or_ws_client_t *ws, or_text_t *text, size_t *head_bytes) {
  const int64_t deadline_ns = deadline_from_now();
  or_status_t status = or_status_success();
  *head_bytes = 0;
  while (or_ok(status)) {
    const char *end = strstr(or_text_string(text), "\r\n\r\n");
    if (end != NULL) {
      *head_bytes = (size_t)(end + 4 - text->data);
      return status;
    }
    size_t count = 0;
    if (text->length >= MAX_HEAD_BYTES)
      return or_error(OR_UNAVAILABLE, "%.200s: the answer is no handshake of a WebSocket", ws->facts.url);
    status = read_some(ws, ws->in, IN_BYTES, &count);
    if (!or_ok(status) && text->length == 0) {
      or_status_ignore(status); /* said with the cure */
      return or_client_failure(&ws->facts, (int)CURLE_GOT_NOTHING, "it has gone");
    }
    if (or_ok(status) && count == 0) status = wait_for(ws, POLLIN, deadline_ns);
    if (or_ok(status)) status = or_text_append(text, ws->in, count);
  }
  return status;
}

/* Of a refusal: the rest of its body, as far as it comes. */
static or_status_t refused(or_ws_client_t *ws, or_client_reply_t *reply, or_text_t *text, size_t head_bytes) {
  char number[32];
  const int64_t deadline_ns = deadline_from_now();
  or_status_t status = or_text_append(&reply->headers, text->data, head_bytes);
  unsigned long long length = 0;
  if (or_ok(status) && or_client_reply_header(reply, "Content-Length", number, sizeof number))
    length = strtoull(number, NULL, 10);
  while (or_ok(status) && text->length - head_bytes < length && text->length < MAX_HEAD_BYTES) {
    size_t count = 0;
    status = read_some(ws, ws->in, IN_BYTES, &count);
    if (or_ok(status) && count == 0) status = wait_for(ws, POLLIN, deadline_ns);
    if (or_ok(status)) status = or_text_append(text, ws->in, count);
  }
  if (or_ok(status)) status = or_text_append(&reply->body, text->data + head_bytes, text->length - head_bytes);
  if (or_ok(status)) status = or_client_reply_status(reply);
  return or_ok(status)
             ? or_error(OR_UNAVAILABLE, "%.200s answers a handshake with HTTP %d", ws->facts.url, reply->status)
             : status;
}

static or_status_t check_answer(or_ws_client_t *ws, or_text_t *text, size_t head_bytes, const char *accept) {
  or_client_reply_t reply;
  char given[OR_WS_ACCEPT_BYTES];
  or_client_reply_init(&reply, ws->facts.allocator);
  or_status_t status;
  if (text->length > 12 && strncmp(text->data, "HTTP/1.1 ", 9) == 0)
    reply.status = (int)strtol(text->data + 9, NULL, 10);
  if (reply.status != 101) {
    status = refused(ws, &reply, text, head_bytes);
  } else {
    status = or_text_append(&reply.headers, text->data, head_bytes);
    if (or_ok(status) &&
        (!or_client_reply_header(&reply, "Sec-WebSocket-Accept", given, sizeof given) || strcmp(given, accept) != 0))
      status = or_error(OR_UNAVAILABLE, "%.200s: the answer is no handshake of a WebSocket", ws->facts.url);
  }
  or_client_reply_deinit(&reply);
  return status;
}

/* RFC 6455 section 4.1. */
static or_status_t shake_hands(or_ws_client_t *ws, const char *path) {
  char key[OR_WS_KEY_BYTES], accept[OR_WS_ACCEPT_BYTES];
  uint8_t random[16];
  const char *base = ws->facts.address->base, *host = strstr(base, "://") + 3;
  const char *prefix = strchr(host, '/');
  const int host_length = prefix != NULL ? (int)(prefix - host) : (int)strlen(host);
  const bool with_key = ws->facts.authorization[0] != '\0';
  size_t head_bytes = 0;
  or_text_t text;
  if (getentropy(random, sizeof random) != 0) return or_error(OR_UNAVAILABLE, "the system gives no random bytes");
  or_ws_make_key(random, key);
  (void)or_ws_accept_key(key, sizeof key, accept); /* of a key that we made */
  or_text_init(&text, ws->facts.allocator);
  or_status_t status = or_text_printf(
      &text,
      "GET %s%s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: %.*s\r\n%s%s\r\n",
      prefix != NULL ? prefix : "", path, host_length, host, (int)sizeof key, key, ws->facts.authorization,
      with_key ? "\r\n" : "");
  if (or_ok(status)) status = write_all(ws, text.data, text.length);
  or_text_clear(&text);
  if (or_ok(status)) status = read_answer(ws, &text, &head_bytes);
  if (or_ok(status)) status = check_answer(ws, &text, head_bytes, accept);
  if (or_ok(status)) { /* frames that came with it: of one read, so there is room */
    ws->in_length = text.length - head_bytes;
    if (ws->in_length > IN_BYTES) status = or_error(OR_UNAVAILABLE, "%.200s: frames before their time", ws->facts.url);
    if (or_ok(status)) memcpy(ws->in, text.data + head_bytes, ws->in_length);
  }
  or_text_deinit(&text);
  return status;
}

/* A client masks what it sends, by bytes that nobody can foresee (RFC 6455 section 5.3). */
static or_status_t send_frame(or_ws_client_t *ws, or_ws_opcode_t opcode, const char *data, size_t length) {
  uint8_t header[OR_WS_FRAME_HEADER_BYTES + 4], *mask;
  char piece[1024];
  size_t header_length = or_ws_frame_header(opcode, length, header);
  header[1] |= 0x80;
  mask = header + header_length;
  if (getentropy(mask, 4) != 0) return or_error(OR_UNAVAILABLE, "the system gives no random bytes");
  or_status_t status = write_all(ws, (const char *)header, header_length + 4);
  for (size_t at = 0; or_ok(status) && at < length;) {
    const size_t count = length - at < sizeof piece ? length - at : sizeof piece;
    for (size_t i = 0; i < count; ++i) piece[i] = (char)((uint8_t)data[at + i] ^ mask[(at + i) & 3]);
    status = write_all(ws, piece, count);
    at += count;
  }
  return status;
}

or_status_t or_ws_client_send(or_ws_client_t *ws, const char *text, size_t length) {
  return send_frame(ws, OR_WS_TEXT, text, length);
}

static or_status_t on_control(or_ws_client_t *ws, const or_ws_event_t *event) {
  if (event->opcode == OR_WS_PING) return send_frame(ws, OR_WS_PONG, event->data, event->length);
  if (event->opcode != OR_WS_CLOSE) return or_status_success();
  const int code = or_ws_close_code(event->data, event->length);
  char reason[OR_WS_CONTROL_BYTES] = "";
  if (event->length > 2) memcpy(reason, event->data + 2, event->length - 2);
  or_status_ignore(
      send_frame(ws, OR_WS_CLOSE, event->data, event->length)); /* the answer to it; who is gone hears none */
  ws->open = false;
  return or_error(OR_UNAVAILABLE, "the server at %.200s closed the connection: %d%s%s", ws->facts.url, code,
                  reason[0] != '\0' ? " " : "", reason);
}

or_status_t or_ws_client_receive(or_ws_client_t *ws, const char **text, size_t *length) {
  or_status_t status = or_status_success();
  *text = NULL;
  while (or_ok(status)) {
    or_ws_event_t event;
    size_t consumed = 0;
    if (ws->in_at == ws->in_length) {
      ws->in_at = ws->in_length = 0;
      status = read_some(ws, ws->in, IN_BYTES, &ws->in_length);
      if (or_ok(status) && ws->in_length == 0) return status;
      continue;
    }
    const int code = or_ws_read(&ws->reader, ws->in + ws->in_at, ws->in_length - ws->in_at, &consumed, &event);
    ws->in_at += consumed;
    if (code == OR_WS_SERVER_ERROR) return or_error(OR_RESOURCE_EXHAUSTED, "no memory for a message of the server");
    if (code != 0) return or_error(OR_UNAVAILABLE, "%.200s sends what no WebSocket sends (%d)", ws->facts.url, code);
    if (event.kind == OR_WS_CONTROL) status = on_control(ws, &event);
    if (event.kind != OR_WS_MESSAGE || event.opcode != OR_WS_TEXT) continue;
    *text = event.data;
    *length = event.length;
    return status;
  }
  ws->open = false;
  return status;
}
#else
or_status_t or_ws_client_open(const or_client_t *client, const char *path, or_ws_client_t **out) {
  (void)client, (void)path;
  *out = NULL;
  return or_error(OR_UNIMPLEMENTED, "this build has no libcurl, so it can't ask a server; leave out --url");
}
void or_ws_client_close(or_ws_client_t *ws) { (void)ws; }
or_status_t or_ws_client_send(or_ws_client_t *ws, const char *text, size_t length) {
  (void)ws, (void)text, (void)length;
  return or_error(OR_UNIMPLEMENTED, "this build has no libcurl");
}
or_status_t or_ws_client_receive(or_ws_client_t *ws, const char **text, size_t *length) {
  (void)ws, (void)text, (void)length;
  return or_error(OR_UNIMPLEMENTED, "this build has no libcurl");
}
int or_ws_client_descriptor(const or_ws_client_t *ws) { return (void)ws, -1; }
#endif
