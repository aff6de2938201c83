#ifndef OR_SERVER_ACCESS_H
#define OR_SERVER_ACCESS_H
/* Who may ask for what: Host, Origin, API keys. Immutable while the server runs, but for what the keys' own table does;
 * any thread. */

#include "server/routes.h"

/* Where keys are looked up; filled by the store. Both are called on loops' threads and must not block. */
typedef struct or_keys_t {
  void *self;
  /* Whether there is any key, or was one; without one everything is allowed. NULL: there is none. */
  bool (*any)(void *self);
  /* The key of a secret. In constant time as far as the secret goes: by its hash, all bytes compared. */
  bool (*find)(void *self, or_slice_t secret, or_key_t *out);
} or_keys_t;

typedef struct or_access_t {
  const char *hosts;   /* names besides loopback that may stand in Host, separated by commas; "*": any; NULL: none */
  const char *origins; /* "https://board.example:8443" …: pages of other servers that may ask; NULL: none */
  or_keys_t keys;
  bool metrics_open; /* /metrics needs no key */
} or_access_t;

/* Whether a Host header names this machine: loopback, or one that is listed. */
bool or_access_host(const or_access_t *access, or_slice_t host);
/* Whether a page of this Origin may ask: none is said, it is the server's own, or it is listed. */
bool or_access_origin(const or_access_t *access, const or_request_t *request, bool *foreign);
/* Finds the request's key and holds it against the route's scope. 0, 401 (no key, an unknown one) or 403 (its scopes do
 * not reach). */
int or_access_key(const or_access_t *access, or_request_t *request);
/* Whether a key may do what needs one of these scopes. */
bool or_access_reaches(const or_key_t *key, unsigned scopes);
/* Whether `host`, where the server is to listen, is loopback. */
bool or_access_is_loopback(const char *host);
/* Bytes compared in a time that depends on the length alone. */
bool or_access_equal(const void *a, const void *b, size_t length);
/* The subprotocol by which a browser hands over its key: "openruntime.key.KEY". */
#define OR_ACCESS_SUBPROTOCOL "openruntime.key."

#endif
