#include "server/access.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/string.h"

bool or_access_equal(const void *a, const void *b, size_t length) { return CRYPTO_memcmp(a, b, length) == 0; }

static bool is_loopback_name(or_slice_t name) {
  if (or_slice_is_nocase(name, "localhost") || or_slice_is(name, "[::1]") || or_slice_is(name, "::1")) return true;
  if (name.length < 5 || memcmp(name.data, "127.", 4) != 0) return false;
  for (size_t i = 4; i < name.length; ++i) {
    if ((name.data[i] < '0' || name.data[i] > '9') && name.data[i] != '.') return false;
  }
  return true;
}

bool or_access_is_loopback(const char *host) { return is_loopback_name((or_slice_t){host, strlen(host)}); }

/* The name in "name:port" or "[v6]:port". */
static or_slice_t without_port(or_slice_t host) {
  const char *bracket = host.length > 0 && host.data[0] == '[' ? memchr(host.data, ']', host.length) : NULL;
  const char *from = bracket != NULL ? bracket : host.data;
  const char *colon = memchr(from, ':', host.length - (size_t)(from - host.data));
  return (or_slice_t){host.data, colon != NULL ? (size_t)(colon - host.data) : host.length};
}

static bool is_listed(const char *list, or_slice_t name) {
  char word[256];
  if (list == NULL || name.length == 0 || name.length >= sizeof word) return false;
  memcpy(word, name.data, name.length);
  word[name.length] = '\0';
  return memchr(word, ',', name.length) == NULL && or_slice_has_token((or_slice_t){list, strlen(list)}, word);
}

bool or_access_host(const or_access_t *access, or_slice_t host) {
  if (host.data == NULL) return true; /* HTTP/1.0 has none */
  or_slice_t name = without_port(host);
  if (is_loopback_name(name)) return true;
  if (access->hosts != NULL && strcmp(access->hosts, "*") == 0) return true;
  return is_listed(access->hosts, name) || is_listed(access->hosts, host);
}

bool or_access_origin(const or_access_t *access, const or_request_t *request, bool *foreign) {
  or_slice_t origin = request->headers[OR_HEADER_ORIGIN], host = request->headers[OR_HEADER_HOST];
  const char *scheme = request->secure ? "https://" : "http://";
  size_t length = strlen(scheme);
  *foreign = false;
  if (origin.data == NULL) return true;
  if (origin.length == length + host.length && strncasecmp(origin.data, scheme, length) == 0 &&
      strncasecmp(origin.data + length, host.data, host.length) == 0)
    return true;
  *foreign = true;
  return is_listed(access->origins, origin);
}

/* The secret, where the request has one: Authorization: Bearer, X-API-Key, or a WebSocket's subprotocol. */
static or_slice_t secret_of(const or_request_t *request) {
  or_slice_t bearer = request->headers[OR_HEADER_AUTHORIZATION], list = request->headers[OR_HEADER_WEBSOCKET_PROTOCOL];
  size_t prefix = sizeof OR_ACCESS_SUBPROTOCOL - 1;
  if (bearer.length > 7 && strncasecmp(bearer.data, "Bearer ", 7) == 0) {
    bearer = (or_slice_t){bearer.data + 7, bearer.length - 7};
    while (bearer.length > 0 && bearer.data[0] == ' ') ++bearer.data, --bearer.length;
    return bearer;
  }
  if (request->headers[OR_HEADER_API_KEY].data != NULL) return request->headers[OR_HEADER_API_KEY];
  if (request->route->websocket == NULL || list.data == NULL) return (or_slice_t){NULL, 0};
  const char *found = memmem(list.data, list.length, OR_ACCESS_SUBPROTOCOL, prefix);
  if (found == NULL) return (or_slice_t){NULL, 0};
  const char *start = found + prefix, *end = list.data + list.length, *stop = start;
  while (stop < end && *stop != ',' && *stop != ' ') ++stop;
  return (or_slice_t){start, (size_t)(stop - start)};
}

bool or_access_reaches(const or_key_t *key, unsigned scopes) {
  return scopes == OR_SCOPE_OPEN || (key->scopes & (scopes | OR_SCOPE_ADMIN)) != 0;
}

int or_access_key(const or_access_t *access, or_request_t *request) {
  const or_keys_t *keys = &access->keys;
  unsigned scope = request->route->scope;
  request->key = (or_key_t){"", OR_SCOPE_READ | OR_SCOPE_RUN | OR_SCOPE_KERNELS | OR_SCOPE_ADMIN};
  if (keys->any == NULL || !keys->any(keys->self)) return 0;
  if (access->metrics_open && strcmp(request->route->pattern, "/metrics") == 0) scope = OR_SCOPE_OPEN;
  if (request->route->page && or_slice_accepts(request->headers[OR_HEADER_ACCEPT], "text/html")) scope = OR_SCOPE_OPEN;
  or_slice_t secret = secret_of(request);
  if (secret.length == 0 || !keys->find(keys->self, secret, &request->key)) {
    request->key = (or_key_t){"", 0};
    return scope == OR_SCOPE_OPEN ? 0 : 401;
  }
  return or_access_reaches(&request->key, scope) ? 0 : 403;
}
