/* The requests, by libcurl. */
#include "client/client.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "client/client_internal.h"
#include "or_config.h"

#if OR_HAVE_CURL
#include <curl/curl.h>

#define KEY_BYTES 512 /* of an API key, terminated */

struct or_client_t {
  const or_allocator_t *allocator;
  const or_cancel_t *cancel;
  or_client_address_t address;
  char *url, *ca_file;
  char authorization[KEY_BYTES + sizeof "Authorization: Bearer "]; /* "" without a key */
  CURL *easy;
  CURLM *multi;
  char error[CURL_ERROR_SIZE]; /* what libcurl says of the last failure */
};

/* A part's bytes while libcurl takes them: they are read where they lie. */
typedef struct reader_t {
  const char *data;
  size_t bytes, at;
} reader_t;

/* One request under way. */
typedef struct transfer_t {
  or_client_t *client;
  const or_client_request_t *request;
  or_client_reply_t *reply;
  struct curl_slist *headers;
  curl_mime *mime;
  reader_t *readers; /* of the request's parts */
  or_text_t url;
  or_status_t status; /* of what our callbacks keep */
} transfer_t;

static bool curl_ready;
static void start_curl(void) { curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }

static or_status_t no_memory(void) { return or_error(OR_RESOURCE_EXHAUSTED, "no memory for a request to the server"); }

static or_status_t take_key(or_client_t *client, const char *key) {
  if (key == NULL || key[0] == '\0') return or_status_success();
  if (strlen(key) >= KEY_BYTES) return or_error(OR_INVALID_ARGUMENT, "an API key has fewer than %d bytes", KEY_BYTES);
  for (const char *at = key; *at != '\0'; ++at) {
    if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
      return or_error(OR_INVALID_ARGUMENT, "the API key holds a byte that no key has");
  }
  or_format(client->authorization, sizeof client->authorization, "Authorization: Bearer %s", key);
  return or_status_success();
}

or_status_t or_client_create(const or_client_options_t *options, or_client_t **out) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  void *memory = NULL;
  *out = NULL;
  (void)pthread_once(&once, start_curl);
  if (!curl_ready) return or_error(OR_UNAVAILABLE, "libcurl can't be used: its start failed");
  or_status_t status = or_alloc_zeroed(options->allocator, sizeof(or_client_t), &memory);
  if (!or_ok(status)) return status;
  or_client_t *client = memory;
  client->allocator = options->allocator;
  client->cancel = options->cancel;
  status = or_client_address_parse(options->url, &client->address);
  if (or_ok(status)) status = take_key(client, options->key);
  if (or_ok(status)) status = or_strdup(client->allocator, options->url, &client->url);
  if (or_ok(status) && options->ca_file != NULL && options->ca_file[0] != '\0')
    status = or_strdup(client->allocator, options->ca_file, &client->ca_file);
  if (or_ok(status)) {
    client->easy = curl_easy_init();
    client->multi = curl_multi_init();
    if (client->easy == NULL || client->multi == NULL) status = no_memory();
  }
  if (or_ok(status)) {
    *out = client;
  } else {
    or_client_free(client);
  }
  return status;
}

void or_client_free(or_client_t *client) {
  if (client == NULL) return;
  curl_easy_cleanup(client->easy);
  (void)curl_multi_cleanup(client->multi);
  or_free(client->allocator, client->url);
  or_free(client->allocator, client->ca_file);
  or_free(client->allocator, client);
}

const char *or_client_url(const or_client_t *client) { return client->url; }

or_client_facts_t or_client_facts(const or_client_t *client) {
  return (or_client_facts_t){client->allocator, &client->address,      client->url,
                             client->ca_file,   client->authorization, client->cancel};
}

/* As much as there is room for; anything but `length` given back ends the transfer. */
static size_t keep(transfer_t *transfer, or_text_t *text, const char *bytes, size_t length, size_t limit) {
  if (length > limit - text->length)
    transfer->status = or_error(OR_OUT_OF_RANGE, "the server's answer is longer than %zu bytes", limit);
  if (or_ok(transfer->status)) transfer->status = or_text_append(text, bytes, length);
  return or_ok(transfer->status) ? length : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *self) {
  transfer_t *transfer = self;
  return keep(transfer, &transfer->reply->body, bytes, size * count, OR_CLIENT_MAX_REPLY_BYTES);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *self) {
  transfer_t *transfer = self;
  if (size * count > 5 && memcmp(bytes, "HTTP/", 5) == 0) or_text_clear(&transfer->reply->headers); /* a new head */
  return keep(transfer, &transfer->reply->headers, bytes, size * count, OR_CLIENT_MAX_HEADER_BYTES);
}

static or_status_t add_header(transfer_t *transfer, const char *line) {
  struct curl_slist *longer = curl_slist_append(transfer->headers, line);
  if (longer == NULL) return no_memory();
  transfer->headers = longer;
  return or_status_success();
}

static or_status_t add_field(transfer_t *transfer, const char *name, const char *value) {
  char line[256];
  if (value == NULL) return or_status_success();
  or_format(line, sizeof line, "%s: %s", name, value);
  return add_header(transfer, line);
}

static or_status_t add_headers(transfer_t *transfer) {
  const or_client_request_t *request = transfer->request;
  or_status_t status = add_field(transfer, "Accept", request->accept != NULL ? request->accept : "application/json");
  if (or_ok(status)) status = add_field(transfer, "Content-Type", request->content_type);
  if (or_ok(status)) status = add_field(transfer, "Prefer", request->prefer);
  if (or_ok(status)) status = add_header(transfer, "Expect:"); /* a body is not held back for a second */
  if (or_ok(status) && transfer->client->authorization[0] != '\0')
    status = add_header(transfer, transfer->client->authorization);
  return status;
}

static size_t read_part(char *out, size_t size, size_t count, void *self) {
  reader_t *reader = self;
  const size_t left = reader->bytes - reader->at, length = size * count < left ? size * count : left;
  memcpy(out, reader->data + reader->at, length);
  reader->at += length;
  return length;
}

/* To send it once more on another connection. */
static int rewind_part(void *self, curl_off_t offset, int origin) {
  reader_t *reader = self;
  if (origin != SEEK_SET || offset < 0 || (curl_off_t)reader->bytes < offset) return CURL_SEEKFUNC_FAIL;
  reader->at = (size_t)offset;
  return CURL_SEEKFUNC_OK;
}

static or_status_t add_parts(transfer_t *transfer) {
  const or_client_request_t *request = transfer->request;
  void *readers = NULL;
  if (request->part_count == 0) return or_status_success();
  or_status_t status =
      or_alloc_array(transfer->client->allocator, request->part_count, sizeof *transfer->readers, &readers);
  if (!or_ok(status)) return status;
  transfer->readers = readers;
  transfer->mime = curl_mime_init(transfer->client->easy);
  if (transfer->mime == NULL) return no_memory();
  for (size_t i = 0; i < request->part_count; ++i) {
    const or_client_part_t *given = &request->parts[i];
    const char *type = given->content_type != NULL ? given->content_type : "application/octet-stream";
    reader_t *reader = &transfer->readers[i];
    curl_mimepart *part = curl_mime_addpart(transfer->mime);
    *reader = (reader_t){given->bytes > 0 ? given->data : "", given->bytes, 0};
    if (part == NULL || curl_mime_name(part, given->name) != CURLE_OK || curl_mime_type(part, type) != CURLE_OK ||
        curl_mime_data_cb(part, (curl_off_t)given->bytes, read_part, rewind_part, NULL, reader) != CURLE_OK)
      return no_memory();
  }
  return or_status_success();
}

static void set_connection(const or_client_t *client) {
  CURL *easy = client->easy;
  (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
  (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L); /* a machine that went away ends a wait without a bound */
  (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 20L);
  (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
  (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, lround(OR_CLIENT_CONNECT_TIMEOUT_S * 1e3));
#if LIBCURL_VERSION_NUM >= 0x075500
  (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  if (client->address.loopback) (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

static CURLcode set_request(transfer_t *transfer) {
  const or_client_t *client = transfer->client;
  const or_client_request_t *request = transfer->request;
  const double timeout_s = request->timeout_s == 0 ? OR_CLIENT_TIMEOUT_S : request->timeout_s;
  CURL *easy = client->easy;
  CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, or_text_string(&transfer->url));
  if (code == CURLE_OK && client->address.unix_path[0] != '\0')
    code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->address.unix_path);
  if (code == CURLE_OK && client->ca_file != NULL) code = curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
  (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  if (timeout_s > 0) (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, lround(timeout_s * 1e3));
  if (transfer->mime != NULL) {
    (void)curl_easy_setopt(easy, CURLOPT_MIMEPOST, transfer->mime);
  } else if (request->body != NULL) {
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
  }
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
  return code;
}

static or_status_t prepare(transfer_t *transfer) {
  const or_client_t *client = transfer->client;
  const or_client_request_t *request = transfer->request;
  or_status_t status = or_text_printf(&transfer->url, "%s%s%s%s", client->address.base, request->path,
                                      request->query != NULL && request->query[0] != '\0' ? "?" : "",
                                      request->query != NULL ? request->query : "");
  curl_easy_reset(client->easy);
  set_connection(client);
  if (or_ok(status)) status = add_headers(transfer);
  if (or_ok(status)) status = add_parts(transfer);
  if (or_ok(status) && set_request(transfer) != CURLE_OK) status = no_memory();
  return status;
}

/* What libcurl says, with what it knows of the transfer. */
static or_status_t explain(transfer_t *transfer, CURLcode code) {
  const or_client_t *client = transfer->client;
  const or_client_facts_t facts = or_client_facts(client);
  curl_off_t connected_us = 0;
  if (code == CURLE_OPERATION_TIMEDOUT) {
    (void)curl_easy_getinfo(client->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    if (connected_us > 0)
      return or_error(OR_DEADLINE_EXCEEDED, "the server at %.200s did not answer in time: %s", client->url,
                      client->error);
  }
  return or_client_failure(&facts, (int)code, client->error);
}

/* Until the transfer is over, the token is pulled or memory runs out. */
static or_status_t drive(transfer_t *transfer) {
  const or_client_request_t *request = transfer->request;
  CURLM *multi = transfer->client->multi;
  int running = 1, left = 0;
  int64_t tick_ns = or_clock_ns() + OR_CLIENT_TICK_MS * INT64_C(1000000);
  for (;;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) return no_memory();
    if (running == 0) break;
    or_status_t status = request->uncancelled ? or_status_success() : or_cancel_status(transfer->client->cancel);
    if (!or_ok(status) && request->ending != NULL) request->ending(request->tick_self);
    if (!or_ok(status)) return status;
    if (request->tick != NULL && or_clock_ns() >= tick_ns) {
      request->tick(request->tick_self);
      tick_ns = or_clock_ns() + OR_CLIENT_TICK_MS * INT64_C(1000000);
    }
    if (curl_multi_poll(multi, NULL, 0, OR_CLIENT_TICK_MS, NULL) != CURLM_OK) return no_memory(); /* a signal ends it */
  }
  const CURLMsg *message = curl_multi_info_read(multi, &left);
  return message != NULL ? explain(transfer, message->data.result) : no_memory();
}

or_status_t or_client_send(or_client_t *client, const or_client_request_t *request, or_client_reply_t *reply) {
  transfer_t transfer = {.client = client, .request = request, .reply = reply};
  long http = 0;
  reply->status = 0;
  or_text_clear(&reply->body);
  or_text_clear(&reply->headers);
  client->error[0] = '\0';
  or_text_init(&transfer.url, client->allocator);
  or_status_t status = prepare(&transfer);
  if (or_ok(status) && curl_multi_add_handle(client->multi, client->easy) != CURLM_OK) status = no_memory();
  if (or_ok(status)) status = drive(&transfer);
  (void)curl_multi_remove_handle(client->multi, client->easy); /* one under way is closed; one not added stays so */
  status = or_status_first(transfer.status, status);
  if (or_ok(status)) {
    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &http);
    reply->status = (int)http;
  }
  curl_easy_reset(client->easy); /* lets go of what the transfer lent it */
  curl_mime_free(transfer.mime);
  or_free(client->allocator, transfer.readers);
  curl_slist_free_all(transfer.headers);
  or_text_deinit(&transfer.url);
  return status;
}
#else
struct or_client_t {
  int unused;
};
or_status_t or_client_create(const or_client_options_t *options, or_client_t **out) {
  (void)options;
  *out = NULL;
  return or_error(OR_UNIMPLEMENTED, "this build has no libcurl, so it can't ask a server; leave out --url");
}
void or_client_free(or_client_t *client) { (void)client; }
const char *or_client_url(const or_client_t *client) { return (void)client, ""; }
or_status_t or_client_send(or_client_t *client, const or_client_request_t *request, or_client_reply_t *reply) {
  (void)client, (void)request, (void)reply;
  return or_error(OR_UNIMPLEMENTED, "this build has no libcurl");
}
#endif

or_status_t or_client_call(or_client_t *client, const or_client_request_t *request, or_client_reply_t *reply) {
  or_status_t status = or_client_send(client, request, reply);
  return or_ok(status) ? or_client_reply_status(reply) : status;
}
