#include "server/keys.h"

#include "base/log.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/string.h"

static bool any(void *self) { return or_store_has_keys(self); }

/* A secret of ours has one length, so that of another tells nothing. */
static bool find(void *self, or_slice_t secret, or_key_t *out) {
  char text[OR_STORE_SECRET_BYTES];
  or_store_key_t key;
  if (secret.length != sizeof text - 1) return false;
  memcpy(text, secret.data, secret.length);
  text[secret.length] = '\0';
  or_status_t status = or_store_find_key(self, text, &key);
  const bool found = or_ok(status);
  or_status_ignore(status); /* whatever it is, the door stays shut */
  OPENSSL_cleanse(text, sizeof text);
  if (!found) return false;
  (void)or_format(out->id, sizeof out->id, "%s", key.id);
  out->scopes = key.scopes;
  return true;
}

or_keys_t or_keys_of_store(or_store_t *store) { return (or_keys_t){.self = store, .any = any, .find = find}; }

void or_keys_warn(or_store_t *store) {
  if (!or_store_has_keys(store) || or_store_has_admin(store)) return;
  or_log(OR_LOG_SERVER, OR_LOG_WARNING, "no_admin_key", "cure=\"%s\"",
         "stop the server, then openruntime keys create --scopes admin, with its --data");
}
