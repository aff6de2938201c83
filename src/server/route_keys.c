/* API keys: made, listed, revoked. */
#include <openssl/crypto.h>
#include <string.h>

#include "base/alloc.h"
#include "server/fields.h"
#include "server/keys.h"
#include "server/server.h"

static void write_listed(void *json, const or_store_key_t *key) { or_store_key_write_json(json, key, NULL); }

void or_handle_key_list(or_request_t *request) {
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "keys");
  or_json_array_begin(&json);
  or_store_list_keys(request->server->services.store, write_listed, &json);
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

/* A key on its way to the disk, and the request that waits for it. */
typedef struct making_t {
  or_request_t *request;
  or_store_key_t key;
  char secret[OR_STORE_SECRET_BYTES];
} making_t;

static void reply_made(void *self, or_status_t status) {
  making_t *making = self;
  or_request_t *request = making->request;
  or_json_writer_t json;
  if (or_ok(status)) {
    or_hub_shut_out(request->server->services.hub, ""); /* what was open to all is not any more */
    or_reply_header(request, "Cache-Control", "no-store");
    or_reply_json_begin(request, &json);
    or_store_key_write_json(&json, &making->key, making->secret);
    or_reply_json_end(request, &json);
  } else {
    or_reply_failure(request, status);
  }
  OPENSSL_cleanse(making->secret, sizeof making->secret);
  or_free(request->allocator, making);
  or_reply_post(request);
}

/* The words of a list into a set. */
static unsigned read_scopes(or_fields_t *fields) {
  const or_json_value_t *list = or_fields_get(fields, "scopes", OR_JSON_ARRAY);
  unsigned scopes = 0;
  if (or_json_get(fields->root, "scopes") == NULL) return OR_SCOPE_READ | OR_SCOPE_RUN;
  for (size_t i = 0; i < or_json_count(list); ++i) {
    const char *word = or_json_get_string(or_json_at(list, i), "");
    unsigned one = 0;
    or_status_t status = strchr(word, ',') == NULL ? or_store_scopes_parse(word, &one)
                                                   : or_error(OR_INVALID_ARGUMENT, "a scope is one word");
    if (!or_ok(status)) or_fields_problem(fields, "scopes", "value_error.enum", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    scopes |= one;
  }
  if (list != NULL && or_json_count(list) == 0)
    or_fields_problem(fields, "scopes", "value_error.missing", "at least one of read, run, kernels, admin");
  return scopes;
}

/* Who asks where there are no keys would be shut out by one that rules nothing, and everybody else too. */
static void check_first(or_store_t *store, or_fields_t *fields, unsigned scopes) {
  if (fields->problems.count > 0 || (scopes & OR_SCOPE_ADMIN) != 0 || or_store_has_keys(store)) return;
  or_fields_problem(fields, "scopes", "value_error.first_key",
                    "the first key needs the scope admin: from then on nothing is allowed without a key, and without "
                    "that scope no key can be made or revoked");
}

static void make(or_request_t *request, const or_store_new_key_t *wanted) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(request->allocator, sizeof(making_t), &memory);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return;
  }
  making_t *making = memory;
  making->request = request;
  or_request_keep(request);
  status =
      or_store_create_key(request->server->services.store, wanted, &making->key, making->secret, reply_made, making);
  if (!or_ok(status)) reply_made(making, status);
}

void or_handle_key_create(or_request_t *request) {
  or_fields_t fields;
  or_fields_begin(&fields, request, "label scopes");
  const or_json_value_t *label = or_fields_get(&fields, "label", OR_JSON_STRING);
  if (or_json_string_length(label) >= OR_STORE_LABEL_BYTES)
    or_fields_problem(&fields, "label", "value_error.range", "has %zu bytes; the limit is %d",
                      or_json_string_length(label), OR_STORE_LABEL_BYTES - 1);
  const or_store_new_key_t wanted = {.label = or_json_get_string(label, ""), .scopes = read_scopes(&fields)};
  check_first(request->server->services.store, &fields, wanted.scopes);
  if (or_fields_good(&fields)) make(request, &wanted);
  or_fields_end(&fields);
}

static void find_listed(void *self, const or_store_key_t *key) {
  or_store_key_t *wanted = self;
  if (strcmp(wanted->id, key->id) == 0) *wanted = *key;
}

static void reply_revoked(void *self, or_status_t status) {
  or_request_t *request = self;
  or_store_key_t key = {.created_us = 0};
  or_json_writer_t json;
  if (or_status_code(status) != OR_NOT_FOUND)
    or_hub_shut_out(request->server->services.hub, or_request_parameter(request, 0));
  if (or_ok(status)) {
    (void)or_format(key.id, sizeof key.id, "%s", or_request_parameter(request, 0));
    or_store_list_keys(request->server->services.store, find_listed, &key);
    or_keys_warn(request->server->services.store);
    or_reply_json_begin(request, &json);
    or_store_key_write_json(&json, &key, NULL);
    or_reply_json_end(request, &json);
  } else {
    or_reply_failure(request, status);
  }
  or_reply_post(request);
}

/* From the call on the key opens nothing; the reply says that this is on disk. */
void or_handle_key_revoke(or_request_t *request) {
  or_request_keep(request);
  or_status_t status =
      or_store_revoke_key(request->server->services.store, or_request_parameter(request, 0), reply_revoked, request);
  if (!or_ok(status)) reply_revoked(request, status);
}
