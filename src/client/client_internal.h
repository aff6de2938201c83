#ifndef OR_CLIENT_CLIENT_INTERNAL_H
#define OR_CLIENT_CLIENT_INTERNAL_H
#include "client/address.h"
#include "client/client.h"

/* What a connection beside the client's own needs; lives as long as the client. */
typedef struct or_client_facts_t {
  const or_allocator_t *allocator;
  const or_client_address_t *address;
  const char *url, *ca_file;
  const char *authorization; /* a header's line; "" without a key */
  const or_cancel_t *cancel;
} or_client_facts_t;
or_client_facts_t or_client_facts(const or_client_t *client);

/* The failure that a CURLcode stands for, with its cure; success of CURLE_OK. `error`: libcurl's own words, or "". */
or_status_t or_client_failure(const or_client_facts_t *facts, int code, const char *error);

#endif
